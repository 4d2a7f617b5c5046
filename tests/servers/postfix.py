"""A real Postfix submission server that writes its own mail.log."""

from __future__ import annotations

import os
import re
import shutil
import smtplib
import ssl
import time
from pathlib import Path

from .process import LOOPBACK, Process, Server, free_port, make_ca, program, wait_for

PACKAGE = "postfix"
DAEMONS = Path("/usr/lib/postfix/sbin")

MAIN = """\
compatibility_level = 3.6
config_directory = {folder}/etc
queue_directory = {folder}/spool
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
command_directory = /usr/sbin
daemon_directory = {daemons}
sendmail_path = /usr/sbin/sendmail
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = smtp.example.org
mydomain = example.org
myorigin = example.org
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = all
alias_maps =
alias_database =
local_recipient_maps =
# All mail, also that for example.org, leaves by one door, and no name is looked up.
default_transport = smtp:[127.0.0.1]:{relay}
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_tls_security_level = none
smtpd_peername_lookup = no
smtputf8_enable = yes
smtpd_tls_cert_file = {folder}/tls/server.pem
smtpd_tls_key_file = {folder}/tls/server.key
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {sasl}
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 100
smtpd_hard_error_limit = 1000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
minimal_backoff_time = 60s
queue_run_delay = 60s
"""

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
  -o syslog_name=postfix/submission
pickup     unix      n - n 60    1 pickup
cleanup    unix      n - n -     0 cleanup
qmgr       unix      n - n 60    1 qmgr
tlsmgr     unix      - - n 1000? 1 tlsmgr
rewrite    unix      - - n -     - trivial-rewrite
bounce     unix      - - n -     0 bounce
defer      unix      - - n -     0 bounce
trace      unix      - - n -     0 bounce
verify     unix      - - n -     1 verify
flush      unix      n - n 1000? 0 flush
proxymap   unix      - - n -     - proxymap
proxywrite unix      - - n -     1 proxymap
smtp       unix      - - n -     - smtp
showq      unix      n - n -     - showq
error      unix      - - n -     - error
retry      unix      - - n -     - error
discard    unix      - - n -     - discard
anvil      unix      - - n -     1 anvil
scache     unix      - - n -     1 scache
postlog    unix-dgram n - n -    1 postlogd
"""

PRIVATE_QUEUES = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush"),
    *("hold", "incoming", "private", "saved", "trace"),
)
SHARED_QUEUES = {"maildrop": 0o730, "public": 0o710}


class Postfix(Server):
    """Submission with a password (root only); what it accepts goes on to the relay's port."""

    name = "postfix"

    def __init__(self, sasl: Path, relay_port: int) -> None:
        program("postconf", PACKAGE)
        self._master = program(str(DAEMONS / "master"), PACKAGE)
        if os.geteuid() != 0:
            raise RuntimeError("Postfix starts as root only: run these tests as root")
        super().__init__()
        self.sasl, self.relay_port = sasl, relay_port
        self.port = free_port()
        self.log: Path = self.folder / "mail.log"
        self.ca: Path = make_ca(self.folder / "tls").ca

    def submit(
        self, user: str, password: str, ip: str | None = None, helo: str = "laptop.example.net"
    ) -> smtplib.SMTP:
        """A logged-in session, seen by Postfix as coming from `ip`; use it in a `with`."""
        client = smtplib.SMTP(LOOPBACK, self.port, local_hostname=helo, timeout=20)
        try:
            client.starttls(context=ssl.create_default_context(cafile=str(self.ca)))
            client.ehlo()
            if ip is not None:
                self._pretend(client, ip)
            client.login(user, password)
        except BaseException:
            client.close()
            raise
        return client

    def lines(self, pattern: str) -> list[str]:
        """The log's lines in which the regular expression is found."""
        if not self.log.exists():
            return []
        return [
            line for line in self.log.read_text(errors="replace").splitlines() if re.search(pattern, line)
        ]

    def wait_lines(self, pattern: str, count: int = 1, timeout: float = 15.0) -> list[str]:
        """The same, once there are at least `count` of them."""
        what = f"{count} line(s) like {pattern} in {self.log.name}"
        return wait_for(lambda: found if len(found := self.lines(pattern)) >= count else [], what, timeout)

    @staticmethod
    def _pretend(client: smtplib.SMTP, ip: str) -> None:
        address = f"IPV6:{ip}" if ":" in ip else ip
        code, answer = client.docmd("XCLIENT", f"NAME=[UNAVAILABLE] ADDR={address}")
        if code != 220:
            raise RuntimeError(f"XCLIENT {address}: {code} {answer!r}")
        client.ehlo()

    def _launch(self) -> Process:
        etc = self.folder / "etc"
        if not etc.exists():
            etc.mkdir()
            self._make_folders()
            configuration = MAIN.format(
                folder=self.folder, daemons=DAEMONS, relay=self.relay_port, sasl=self.sasl
            )
            self._write_old(etc / "main.cf", configuration)
            self._write_old(etc / "master.cf", MASTER.format(port=self.port))
        return Process(
            self._master,
            *("-c", etc, "-d"),
            output=self.folder / "output.log",
            env={"MAIL_CONFIG": str(etc)},
            own_session=True,  # the master ends its whole process group
        )

    def _await(self, process: Process) -> None:
        process.wait_port(self.port)

    def _make_folders(self) -> None:
        """What `postfix check` would make, without its 2 s."""
        data, spool = self.folder / "data", self.folder / "spool"
        data.mkdir()
        shutil.chown(data, "postfix", "postfix")
        spool.mkdir()
        (spool / "pid").mkdir()
        for name in PRIVATE_QUEUES:
            self._make_queue(spool / name, "root", 0o700)
        for name, mode in SHARED_QUEUES.items():
            self._make_queue(spool / name, "postdrop", mode)

    @staticmethod
    def _make_queue(queue: Path, group: str, mode: int) -> None:
        queue.mkdir()
        shutil.chown(queue, "postfix", group)
        queue.chmod(mode)

    @staticmethod
    def _write_old(path: Path, text: str) -> None:
        # Postfix waits a second before it trusts a file that was written within the last one.
        path.write_text(text)
        minute_ago = time.time() - 60
        os.utime(path, (minute_ago, minute_ago))
