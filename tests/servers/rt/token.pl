# Makes an authentication token for the user named on the command line and prints it.
use strict;
use warnings;
use lib '/usr/share/request-tracker5/lib';
use RT -init;

my $name = shift or die "usage: token.pl USER\n";
my $user = RT::User->new( RT->SystemUser );
$user->Load($name);
die "no user $name\n" unless $user->Id;

my $record = RT::AuthToken->new( RT->SystemUser );
my ( $ok, $message, $token ) = $record->Create( Owner => $user->Id, Description => 'responder' );
die "$message\n" unless $ok;
print "$token\n";
