"""A real Dovecot that only checks passwords, for Postfix."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .process import Process, Server, program

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
log_timestamp = "%Y-%m-%dT%H:%M:%S "
instance_name = {name}
protocols = none
ssl = no
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_verbose = yes
auth_failure_delay = 0
first_valid_uid = 0
first_valid_gid = 0
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
passdb {{
  driver = passwd-file
  args = username_format=%n {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n
}}
service anvil {{
  chroot =
  # No growing delay after failed logins: all come from loopback here.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service auth {{
  user = {auth}
  unix_listener auth-postfix {{
    mode = 0666
  }}
}}
service auth-worker {{
  user = {auth}
}}
"""


class Dovecot(Server):
    """Dovecot's password check behind a unix socket; a login may be `uid` or `uid@domain`."""

    name = "dovecot"
    patience = 2.0  # its master may wait 6 s for its own statistics process

    def __init__(self, users: Mapping[str, str]) -> None:
        self._dovecot = program("dovecot", "dovecot-core")
        super().__init__()
        self.users = dict(users)
        self.sasl: Path = self.folder / "run" / "auth-postfix"
        self.log: Path = self.folder / "dovecot.log"

    def set_password(self, user: str, password: str | None) -> None:
        """Add a user, change a password, or with None remove the user; it holds for the next login."""
        if password is None:
            self.users.pop(user, None)
        else:
            self.users[user] = password
        self._write_users()
        if self.running:
            time.sleep(1.1)  # it looks at the file's date once a second

    def _write_users(self) -> None:
        lines = [f"{user}:{{PLAIN}}{password}\n" for user, password in self.users.items()]
        fresh = self.folder / "users.new"
        fresh.write_text("".join(lines))
        fresh.replace(self.folder / "users")

    def _launch(self) -> Process:
        me = pwd.getpwuid(os.geteuid())
        # As root Dovecot wants its packaged users; as anyone else it can only be that one.
        internal, login = ("dovecot", "dovenull") if me.pw_uid == 0 else (me.pw_name, me.pw_name)
        owner = pwd.getpwnam(internal)
        self._write_users()
        configuration = self.folder / "dovecot.conf"
        configuration.write_text(
            CONFIGURATION.format(
                folder=self.folder,
                name=self.folder.name,
                internal=internal,
                group=grp.getgrgid(owner.pw_gid).gr_name,
                login=login,
                auth=me.pw_name,
                uid=owner.pw_uid,
                gid=owner.pw_gid,
            )
        )
        return Process(self._dovecot, "-F", "-c", configuration, output=self.folder / "output.log")

    def _await(self, process: Process) -> None:
        process.wait_until(self._answers, "password socket")

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
            client.connect(str(self.sasl))
            return True
        return False
