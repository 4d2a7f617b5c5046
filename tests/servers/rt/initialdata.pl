# What rt-setup-database inserts: a queue with its reference field, and a user who may work in that queue alone.
@Queues = (
    {
        Name              => 'Security',
        Description       => 'Hijacked mailboxes',
        CorrespondAddress => 'security@example.org',
        CommentAddress    => 'security-comment@example.org',
    },
);

@CustomFields = (
    {
        Name        => 'ExternalRef',
        Description => 'The reference of whoever opened the ticket',
        Type        => 'FreeformSingle',
        LookupType  => 'RT::Queue-RT::Ticket',
        Queue       => 'Security',
    },
);

@Users = (
    {
        Name         => 'orch',
        RealName     => 'Responder',
        EmailAddress => 'responder@example.org',
        Privileged   => 1,
    },
);

@ACL = map { { UserId => 'orch', Queue => 'Security', Right => $_ } } qw(
    SeeQueue
    ShowTicket
    CreateTicket
    ModifyTicket
    ReplyToTicket
    CommentOnTicket
    ShowTicketComments
    SeeCustomField
    ModifyCustomField
    SetInitialCustomField
);

1;
