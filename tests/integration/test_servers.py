"""The servers that the other tests rely on do what they are for."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

import httpx
import ldap3
import pytest
from servers.dovecot import Dovecot
from servers.mail_sink import MailSink
from servers.postfix import Postfix
from servers.process import (
    LOOPBACK,
    MissingProgram,
    Process,
    ProcessId,
    ServerFailed,
    free_port,
    port_open,
    process_tree,
    program,
    wait_for,
)
from servers.request_tracker import RequestTracker
from servers.slapd import PROTECTED_GROUP, Slapd
from servers.twilio_mock import TwilioMock, accepted
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

LOCKED = "000001010000Z"


def message(sender: str, recipient: str, subject: str = "Minutes") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, recipient, subject
    mail.set_content("Voilà.\n")
    return mail


class TestProcess:
    def test_stop_ends_the_whole_tree(self, tmp_path):
        """A server's children end with it."""
        shell = Process(program("sh", "dash"), "-c", "sleep 60 & sleep 60 & wait", output=tmp_path / "log")
        family = wait_for(
            lambda: found if len(found := process_tree(shell.pid)) == 3 else [], "three processes"
        )
        shell.stop(patience=0.2)
        assert [member.alive() for member in family] == [False] * 3

    def test_stop_kills_what_does_not_end(self, tmp_path):
        """A server that ignores the request to end is killed after a while."""
        script = "trap '' TERM; echo up; while :; do sleep 0.1; done"
        stubborn = Process(program("sh", "dash"), "-c", script, output=tmp_path / "log")
        stubborn.wait_until(lambda: "up" in stubborn.tail(), "its trap")
        [first, *_] = process_tree(stubborn.pid)
        stubborn.stop(patience=0.2)
        assert not first.alive()

    def test_another_process_of_the_same_number_is_left_alone(self):
        """A number that was given to a later process is not taken for the earlier one."""
        [me, *_] = process_tree(1)
        assert not ProcessId(me.number, me.started + 1).alive()

    def test_an_early_end_is_told_with_its_output(self, tmp_path):
        """A server that dies at its start fails with what it said."""
        broken = Process(program("sh", "dash"), "-c", "echo no such option; exit 3", output=tmp_path / "log")
        with pytest.raises(ServerFailed, match=r"exited 3\nno such option"):
            broken.wait_port(free_port())
        broken.stop()

    def test_a_missing_program_names_its_package(self):
        """Whoever lacks a server reads which Debian package has it."""
        with pytest.raises(MissingProgram, match=r"package slapd of deploy/debian/test-packages\.txt"):
            program("no-such-program", "slapd")


class TestSlapd:
    def test_bind_tells_right_from_wrong_password(self, slapd: Slapd):
        """Only the right password lets a person in."""
        assert slapd.bind("amartel", slapd.password_of("amartel"))
        assert not slapd.bind("amartel", "guess")

    def test_a_lock_by_the_service_account_refuses_the_bind(self, fresh_slapd: Slapd):
        """The service account may lock a person out and let them in again."""
        dn, password = fresh_slapd.dn_of("hlefevre"), fresh_slapd.password_of("hlefevre")
        with fresh_slapd.session() as service:
            assert service.modify(dn, {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, [LOCKED])]})
            assert fresh_slapd.read("hlefevre")["pwdAccountLockedTime"] == [LOCKED]
            assert not fresh_slapd.bind("hlefevre", password)
            assert service.modify(dn, {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, [])]})
        assert fresh_slapd.bind("hlefevre", password)

    def test_the_service_account_cannot_touch_mail(self, slapd: Slapd):
        """What is not needed for a lock is refused."""
        with slapd.session() as service:
            changes = {"mail": [(ldap3.MODIFY_REPLACE, ["x@example.org"])]}
            assert not service.modify(slapd.dn_of("amartel"), changes)
            assert service.result["description"] == "insufficientAccessRights"
        assert slapd.read("amartel")["mail"] == ["amartel@example.org"]

    def test_a_policy_without_lockout_ignores_the_lock(self, fresh_slapd: Slapd):
        """One person's policy takes the lock and lets them in all the same."""
        fresh_slapd.modify("ksvensson", pwdAccountLockedTime=LOCKED)
        assert fresh_slapd.bind("ksvensson", fresh_slapd.password_of("ksvensson"))

    def test_one_uid_stands_there_twice(self, slapd: Slapd):
        """A search by uid can find two entries."""
        with slapd.session() as service:
            service.search(slapd.people_base, "(uid=twin)")
            assert set(slapd.dns_of("twin")) == {entry["dn"] for entry in service.response}
        assert len(slapd.dns_of("twin")) == 2
        with pytest.raises(LookupError, match="2 entries have uid=twin"):
            slapd.dn_of("twin")

    def test_names_and_backup_addresses_come_back_whole(self, slapd: Slapd):
        """Names beyond ASCII, other addresses and groups are read as they were written."""
        read = slapd.read("hlefevre")
        assert read["cn"] == ["Hélène Lefèvre-Noël"]
        assert read["supannMailPerso"] == ["hlefevre.home@example.net"]
        assert read["mailAlternateAddress"] == ["helene.lefevre@example.org", "h.noel@example.org"]
        assert slapd.read("gperrin")["memberOf"] == [PROTECTED_GROUP]
        assert "mobile" not in slapd.read("cozturk")

    def test_a_person_added_later_is_protected_like_the_others(self, fresh_slapd: Slapd):
        """An entry added to the running directory can log in and joins its groups."""
        person = fresh_slapd.add_person("jroy", "Jo", "Roy", mobile="+33639980020", groups=(PROTECTED_GROUP,))
        assert fresh_slapd.bind("jroy", person.password)
        assert fresh_slapd.read("jroy")["memberOf"] == [PROTECTED_GROUP]

    def test_starttls_is_spoken_and_clear_text_refused(self, slapd: Slapd):
        """A password is taken over StartTLS and refused in clear."""
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(slapd.ca))
        server = ldap3.Server(LOOPBACK, slapd.port, tls=tls, get_info=ldap3.NONE)
        clear = ldap3.Connection(server, slapd.service_dn, slapd.service_password)
        assert not clear.bind()
        assert clear.result["description"] == "confidentialityRequired"
        clear.unbind()
        secure = ldap3.Connection(server, slapd.service_dn, slapd.service_password)
        assert secure.start_tls()
        assert secure.bind()
        secure.unbind()

    def test_it_comes_back_with_its_data(self, fresh_slapd: Slapd):
        """After an outage the directory is at the same port and knows what was changed."""
        fresh_slapd.modify("amartel", mobile="+33639980021")
        fresh_slapd.stop()
        assert not port_open(fresh_slapd.tls_port)
        fresh_slapd.start()
        assert fresh_slapd.read("amartel")["mobile"] == ["+33639980021"]


class TestPostfix:
    def test_an_authenticated_submission_is_logged_and_sent(self, postfix: Postfix, mail_sink: MailSink):
        """The log names the login, the client's address and the delivery; the sink has the message."""
        with postfix.submit("amartel", "pw-amartel", ip="192.0.2.17") as session:
            session.send_message(message("amartel@example.org", "first@host.example.net", "Hello"))
        [login] = postfix.wait_lines(
            r"client=unknown\[192\.0\.2\.17\], sasl_method=PLAIN, sasl_username=amartel$"
        )
        assert "postfix/submission/smtpd[" in login
        [sent] = postfix.wait_lines(r"to=<first@host\.example\.net>.* status=sent ")
        assert login.split(": ")[1] == sent.split(": ")[1]
        [received] = mail_sink.wait_to("first@host.example.net")
        assert (received.mail_from, received.message["Subject"]) == ("amartel@example.org", "Hello")
        assert b"Subject: Hello" in received.content

    def test_a_session_may_come_from_ipv6(self, postfix: Postfix):
        """A test can pretend an IPv6 client too, and a login with the domain."""
        with postfix.submit("bnorton@example.org", "pw-bnorton", ip="2001:db8::17") as session:
            session.send_message(message("bnorton@example.org", "six@host.example.net"))
        postfix.wait_lines(r"\[2001:db8::17\], sasl_method=PLAIN, sasl_username=bnorton@example\.org$")

    def test_a_wrong_password_is_refused_and_logged(self, postfix: Postfix):
        """A guess is turned away, and the log says from where it came."""
        with pytest.raises(smtplib.SMTPAuthenticationError):
            postfix.submit("amartel", "guess", ip="192.0.2.18")
        postfix.wait_lines(r"unknown\[192\.0\.2\.18\]: SASL PLAIN authentication failed")

    @pytest.mark.parametrize(
        ("domain", "outcome"),
        [
            ("bad.example.net", r"dsn=5\.1\.1, status=bounced"),
            ("spam.example.net", r"dsn=5\.7\.1, status=bounced"),
            ("slow.example.net", r"dsn=4\.7\.1, status=deferred"),
        ],
    )
    def test_the_recipients_domain_chooses_the_outcome(
        self, fresh_postfix: Postfix, domain: str, outcome: str
    ):
        """Unknown users, refusals as spam and greylisting are in the log as Postfix writes them."""
        with fresh_postfix.submit("mli", "pw-mli") as session:
            session.send_message(message("mli@example.org", f"someone@{domain}"))
        assert len(fresh_postfix.wait_lines(rf"to=<someone@{domain}>.*{outcome}")) == 1

    def test_a_password_change_holds_at_the_next_login(self, dovecot: Dovecot, postfix: Postfix):
        """The password check follows its file."""
        dovecot.set_password("guest", "first")
        postfix.submit("guest", "first").quit()
        dovecot.set_password("guest", None)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            postfix.submit("guest", "first")


class TestMailSink:
    def test_it_can_be_down_and_come_back(self, fresh_mail_sink: MailSink):
        """While the sink is stopped nobody answers at its port; what it has, it keeps."""
        with smtplib.SMTP(LOOPBACK, fresh_mail_sink.port, timeout=5) as client:
            client.send_message(message("a@example.org", "b@example.net"))
        fresh_mail_sink.stop()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((LOOPBACK, fresh_mail_sink.port), 1)
        fresh_mail_sink.start()
        assert port_open(fresh_mail_sink.port)
        assert [to for mail in fresh_mail_sink.messages for to in mail.rcpt_tos] == ["b@example.net"]
        fresh_mail_sink.clear()
        assert fresh_mail_sink.messages == []


class TestRequestTracker:
    @pytest.fixture
    def desk(self, request_tracker: RequestTracker) -> Iterator[httpx.Client]:
        headers = {"Authorization": f"token {request_tracker.token}"}
        with httpx.Client(base_url=f"{request_tracker.url}/REST/2.0", headers=headers, timeout=30) as client:
            yield client

    def test_a_ticket_is_found_by_its_reference(self, request_tracker: RequestTracker, desk: httpx.Client):
        """The token opens a ticket in the queue, and the reference field finds it, resolved or not."""
        reference = "case-7's"
        body = {
            "Queue": request_tracker.queue,
            "Subject": "Compte détourné",
            "Content": "Premier constat",
            "ContentType": "text/plain",
            "CustomFields": {request_tracker.reference_field: reference},
        }
        opened = desk.post("/ticket", json=body)
        assert opened.status_code == 201
        number = opened.json()["id"]
        comment = {"Content": "Compte fermé", "ContentType": "text/plain"}
        assert desk.post(f"/ticket/{number}/comment", json=comment).status_code == 201
        assert desk.put(f"/ticket/{number}", json={"Status": "resolved"}).status_code == 200
        [ticket] = request_tracker.tickets(reference)
        assert (ticket["Subject"], ticket["Status"]) == ("Compte détourné", "resolved")
        assert reference == request_tracker.reference_of(ticket)
        texts = {entry["Type"]: entry["Texts"] for entry in request_tracker.history(number)}
        assert texts["Create"] == ["Premier constat"]
        assert texts["Comment"] == ["Compte fermé"]
        assert request_tracker.tickets("case-8") == []

    def test_the_token_is_for_one_queue(self, desk: httpx.Client):
        """The user of the token can open nothing in another queue."""
        assert desk.post("/ticket", json={"Queue": "General", "Subject": "x"}).status_code == 403


class TestTwilioMock:
    @pytest.fixture
    def client(self, twilio_mock: TwilioMock) -> Iterator[Client]:
        client = Client(f"AC{'0' * 32}", "token")
        client.api.base_url = twilio_mock.url
        yield client
        client.http_client.session.close()

    def test_the_sdk_sends_a_message_and_it_is_counted(self, twilio_mock: TwilioMock, client: Client):
        """Twilio's own client gets a sid, and the mock counts one accepted POST."""
        sent = client.messages.create(to="+33639980001", from_="+33639980099", body="Bonjour")
        assert sent.sid.startswith("SM")
        client.messages.list(to="+33639980001", limit=1)
        assert [method for method, _ in twilio_mock.requests()] == ["POST", "GET"]
        assert twilio_mock.posts("Messages.json") == 1

    def test_a_request_that_breaks_the_description_is_not_counted(
        self, twilio_mock: TwilioMock, client: Client
    ):
        """A message without recipient is refused."""
        with pytest.raises(TwilioRestException, match="422"):
            client.messages.create(to=None, from_="+33639980099", body="x")
        assert twilio_mock.posts() == 0

    def test_a_refused_request_does_not_take_the_next_ones_answer(self):
        """Reading the log, each outcome goes to its own request."""
        lines = [
            "[1:00:00 AM] › [HTTP SERVER] post /a.json i  info      Request received",
            "[1:00:00 AM] › [HTTP SERVER] post /a.json x  error     Request terminated with error: 422",
            "[1:00:00 AM] › [HTTP SERVER] get /b.json i  info      Request received",
            '[1:00:00 AM] ›     [NEGOTIATOR] i  info      > Responding with "200"',
        ]
        assert list(accepted(lines)) == [("GET", "/b.json")]
