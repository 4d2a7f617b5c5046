"""The demonstration's stand-ins, each asked by the client library that responder uses."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import httpx
import ldap3
import pytest
from ldap3.core.exceptions import LDAPException
from ldap3.protocol.rfc4511 import DelRequest, LDAPMessage
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn
from pyasn1.codec.ber import decoder, encoder
from ruamel.yaml import YAML
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from responder.demo.desk import StandInDesk
from responder.demo.directory import Person, StandInDirectory
from responder.demo.mail import StandInMailbox
from responder.demo.segments import segments
from responder.demo.sms import StandInSms

FOR_EVER = "000001010000Z"
LOCK = "pwdAccountLockedTime"


def person(uid: str, name: str = "Paul Bernard", password: str = "calm-lake") -> Person:
    return Person(
        uid, name, f"{uid}@example.org", f"{uid}@example.net", "+33639980002", "fr", password, "staff"
    )


ODD = 'a*b(c)\\d, "é"'
PEOPLE = (
    person("lmoreau", "Léa Moreau", "blue-river"),
    person("pbernard"),
    person(ODD),
    *(person(f"student{n}", f"Student {n}") for n in range(25)),
)


@pytest.fixture
def directory() -> Iterator[StandInDirectory]:
    with StandInDirectory(PEOPLE) as running:
        yield running


@contextmanager
def session(directory: StandInDirectory, dn: str, password: str) -> Iterator[ldap3.Connection]:
    """A connection, bound if the directory lets it."""
    server = ldap3.Server(directory.url, get_info=ldap3.NONE, connect_timeout=5)
    connection = ldap3.Connection(server, dn, password, receive_timeout=5)
    connection.bind()
    try:
        yield connection
    finally:
        connection.unbind()


@pytest.fixture
def service(directory: StandInDirectory) -> Iterator[ldap3.Connection]:
    with session(directory, directory.service_dn, directory.service_password) as connection:
        yield connection


def may_log_in(directory: StandInDirectory, uid: str, password: str) -> bool:
    with session(directory, directory.dn(uid), password) as connection:
        return bool(connection.bound)


def found(connection: ldap3.Connection, base: str, asked: str, **more: object) -> list[str]:
    more = {"attributes": ["uid"], **more}
    connection.search(base, asked, **more)
    return [entry["dn"] for entry in connection.response if entry["type"] == "searchResEntry"]


class TestDirectory:
    def test_a_locked_person_cannot_log_in_and_a_bystander_can(self, directory, service):
        """The lock shuts one account and no other, and taking it away opens the account again."""
        dn = directory.dn("lmoreau")
        assert may_log_in(directory, "lmoreau", "blue-river")
        assert service.modify(dn, {LOCK: [(ldap3.MODIFY_REPLACE, [FOR_EVER])]})
        assert directory.is_locked("lmoreau")
        assert not may_log_in(directory, "lmoreau", "blue-river")
        assert may_log_in(directory, "pbernard", "calm-lake")
        assert service.modify(dn, {LOCK: [(ldap3.MODIFY_REPLACE, [])]})
        assert service.modify(dn, {LOCK: [(ldap3.MODIFY_REPLACE, [])]})
        assert may_log_in(directory, "lmoreau", "blue-river")

    @pytest.mark.parametrize(("dn", "password"), [("{dn}", "wrong"), ("uid=nobody,{people}", "x")])
    def test_a_wrong_password_and_an_unknown_name_look_alike(self, directory, dn, password):
        """Result 49 for both."""
        dn = dn.format(dn=directory.dn("lmoreau"), people=directory.people_base)
        with session(directory, dn, password) as connection:
            assert connection.result["result"] == 49

    def test_a_name_without_a_password_is_refused(self, directory):
        """RFC 4513 5.1.2: an unauthenticated bind is not a login."""
        with socket.create_connection(("127.0.0.1", directory.port), timeout=5) as raw:
            raw.sendall(bytes.fromhex("300f02010160 0a020103 0403 613d62 8000".replace(" ", "")))
            assert raw.recv(1000)[9] == 53

    def test_the_policy_control_says_that_it_is_the_lock(self, directory, service):
        """A client that asks with the password policy control learns why."""
        service.modify(directory.dn("lmoreau"), {LOCK: [(ldap3.MODIFY_REPLACE, [FOR_EVER])]})
        with session(directory, directory.dn("lmoreau"), "blue-river") as connection:
            assert not connection.bind(controls=[("1.3.6.1.4.1.42.2.27.8.5.1", False, None)])
            control = connection.result["controls"]["1.3.6.1.4.1.42.2.27.8.5.1"]
        assert bytes.fromhex("3003810101") == control["value"]

    def test_anonymous_reads_only_what_the_server_is(self, directory):
        """The root entry names the stand-in as one; people are not shown to strangers."""
        server = ldap3.Server(directory.url, get_info=ldap3.DSA)
        with ldap3.Connection(server) as connection:
            assert connection.bind()
            assert [directory.base] == server.info.naming_contexts
            assert "stand-in" in server.info.vendor_name[0]
            assert not connection.search(directory.base, "(uid=*)")
            assert connection.result["result"] == 50

    @pytest.mark.parametrize(
        ("asked", "count"),
        [
            ("(uid=LMOREAU)", 1),
            ("(&(uid=student*)(!(uid=student1*)))", 14),
            ("(|(uid=lmoreau)(mail=PBernard@example.org))", 2),
            ("(cn=*é*mor*u)", 1),
            ("(cn=S*t*udent 7)", 1),
            ("(cn=Léa Morea*eau)", 0),
            ("(mobile=*)", 28),
            ("(&(uid=lmoreau)(memberOf=*))", 0),
            ("(&(uid=lmoreau)(!(memberOf=cn=protected)))", 1),
            ("(&(uid=lmoreau)(!(memberOff=cn=protected)))", 0),
            (f"({LOCK}>=20261124080000Z)", 1),
            (f"({LOCK}<=20261124075959Z)", 0),
            ("(uid>=a)", 0),
            ("(uid~=lmoreau)", 1),
            ("(uid:caseExactMatch:=lmoreau)", 0),
            ("(userPassword=*)", 0),
            ("(objectClass=inetOrgPerson)", 28),
        ],
    )
    def test_filters(self, directory, service, asked, count):
        """Each kind of filter, with the third answer for names that nobody knows."""
        service.modify(directory.dn("pbernard"), {LOCK: [(ldap3.MODIFY_REPLACE, ["20261124080000Z"])]})
        assert count == len(found(service, directory.base, asked))

    def test_a_name_with_every_awkward_character_is_found_and_locked(self, directory, service):
        """Escapes in filters and in entry names come through."""
        asked = f"(uid={escape_filter_chars(ODD)})"
        (dn,) = found(service, directory.people_base.upper(), asked)
        assert f"uid={escape_rdn(ODD)},{directory.people_base}" == dn
        assert service.modify(dn, {LOCK: [(ldap3.MODIFY_REPLACE, [FOR_EVER])]})
        assert not may_log_in(directory, ODD, "calm-lake")

    def test_scopes(self, directory, service):
        """Base, one level and subtree each reach as far as they should."""
        everything = "(objectClass=*)"
        assert len(found(service, directory.people_base, everything, search_scope=ldap3.BASE)) == 1
        assert len(found(service, directory.people_base, everything, search_scope=ldap3.LEVEL)) == 28
        assert len(found(service, directory.base, everything, search_scope=ldap3.LEVEL)) == 2
        assert len(found(service, directory.base, everything)) == 32

    def test_attributes_are_those_that_were_asked_for(self, directory, service):
        """Operational attributes appear only by name or with a plus, passwords never."""
        dn = directory.dn("lmoreau")
        service.modify(dn, {LOCK: [(ldap3.MODIFY_REPLACE, [FOR_EVER])]})

        def names(*asked: str) -> set[str]:
            service.search(dn, "(objectClass=*)", ldap3.BASE, attributes=list(asked))
            return set(service.response[0]["attributes"])

        assert {"mail", LOCK} == names("MAIL", LOCK.lower())
        assert set() == names("1.1")
        assert {"entryUUID", LOCK} == names("+")
        assert "entryUUID" not in names("*")
        assert LOCK not in names("*")
        service.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["userPassword"])
        assert service.response[0]["attributes"]["userPassword"] == []
        assert "cn" in names("*", "+")

    def test_people_do_not_see_locks(self, directory, service):
        """Only the service account reads who is locked, in results and in filters."""
        service.modify(directory.dn("lmoreau"), {LOCK: [(ldap3.MODIFY_REPLACE, [FOR_EVER])]})
        asked = f"({LOCK}=*)"
        assert [directory.dn("lmoreau")] == found(service, directory.base, asked)
        with session(directory, directory.dn("pbernard"), "calm-lake") as connection:
            assert found(connection, directory.base, asked) == []

    def test_limits_and_pages(self, directory, service):
        """A size limit ends with result 4; pages give everything once."""
        assert len(found(service, directory.base, "(uid=student*)", size_limit=5)) == 5
        assert service.result["result"] == 4
        pages = service.extend.standard.paged_search(
            directory.base, "(uid=student*)", attributes=["uid"], paged_size=10, generator=True
        )
        assert len({entry["dn"] for entry in pages}) == 25
        assert found(service, directory.base, "(uid=nobody)", paged_size=10) == []

    def test_a_base_that_is_not_there(self, directory, service):
        """Result 32, with the nearest entry above it; no name at all gives 34."""
        assert not service.search(f"ou=gone,{directory.people_base}", "(uid=*)")
        assert (32, directory.people_base) == (service.result["result"], service.result["dn"])

    def test_only_the_service_account_writes(self, directory, service):
        """A person may not even change the own entry; the service account nothing but lock and password."""
        dn = directory.dn("pbernard")
        with session(directory, dn, "calm-lake") as connection:
            assert not connection.modify(dn, {"userPassword": [(ldap3.MODIFY_REPLACE, ["x"])]})
            assert connection.result["result"] == 50
        assert not service.modify(dn, {"mail": [(ldap3.MODIFY_REPLACE, ["x@example.net"])]})
        assert service.result["result"] == 50

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ((ldap3.MODIFY_DELETE, []), 16),
            ((ldap3.MODIFY_DELETE, [FOR_EVER]), 16),
            ((ldap3.MODIFY_REPLACE, ["yesterday"]), 21),
            ((ldap3.MODIFY_REPLACE, ["20261324080000Z"]), 21),
            ((ldap3.MODIFY_REPLACE, ["20261124080000.5+0100"]), 0),
            ((ldap3.MODIFY_ADD, [FOR_EVER, "20261124080000Z"]), 19),
            ((ldap3.MODIFY_ADD, ["20261124080000Z"]), 0),
            ((ldap3.MODIFY_REPLACE, []), 0),
        ],
    )
    def test_result_codes_of_changes(self, directory, service, change, code):
        """Each change to an entry without a lock ends as OpenLDAP ends it."""
        service.modify(directory.dn("lmoreau"), {LOCK: [change]})
        assert code == service.result["result"]

    def test_adding_a_second_lock_is_refused(self, directory, service):
        """The same value again gives 20, another one 19, and the first stays."""
        dn = directory.dn("lmoreau")
        for value, code in ((FOR_EVER, 0), (FOR_EVER, 20), ("20261124080000Z", 19)):
            service.modify(dn, {LOCK: [(ldap3.MODIFY_ADD, [value])]})
            assert code == service.result["result"]
        service.search(dn, "(uid=*)", ldap3.BASE, attributes=[LOCK])
        assert [FOR_EVER.encode()] == service.response[0]["raw_attributes"][LOCK]

    def test_an_unknown_entry_cannot_be_changed(self, directory, service):
        """Result 32."""
        gone = f"uid=gone,{directory.people_base}"
        assert not service.modify(gone, {LOCK: [(ldap3.MODIFY_REPLACE, [FOR_EVER])]})
        assert service.result["result"] == 32

    def test_a_new_password_takes_the_lock_away(self, directory, service):
        """As with OpenLDAP's policy, which does so even when the same request sets a lock that was there."""
        dn = directory.dn("lmoreau")
        lock, reset = (
            {LOCK: [(ldap3.MODIFY_REPLACE, [FOR_EVER])]},
            {"userPassword": [(ldap3.MODIFY_REPLACE, ["new"])]},
        )
        assert service.modify(dn, lock)
        assert service.modify(dn, reset)
        assert not directory.is_locked("lmoreau")
        assert may_log_in(directory, "lmoreau", "new")
        assert not may_log_in(directory, "lmoreau", "blue-river")
        assert service.modify(dn, lock | reset)
        assert directory.is_locked("lmoreau")
        assert service.modify(dn, lock | reset)
        assert not directory.is_locked("lmoreau")

    def test_a_change_is_made_whole_or_not_at_all(self, directory, service):
        """One refused part of a request undoes the others."""
        parts = {LOCK: [(ldap3.MODIFY_REPLACE, [FOR_EVER])], "mail": [(ldap3.MODIFY_REPLACE, ["x"])]}
        assert not service.modify(directory.dn("lmoreau"), parts)
        assert not directory.is_locked("lmoreau")

    def test_comparisons(self, directory, service):
        """True, false, no value, and a name that nobody knows."""
        dn = directory.dn("lmoreau")
        for name, value, code in (
            ("uid", "LMOREAU", 6),
            ("uid", "x", 5),
            ("memberOf", "x", 16),
            ("odd", "x", 17),
        ):
            service.compare(dn, name, value)
            assert service.result["result"] == code

    def test_who_am_i(self, directory, service):
        """RFC 4532, which health checks use."""
        assert f"dn:{directory.service_dn}" == service.extend.standard.who_am_i()

    def test_what_it_cannot_do_it_refuses(self, directory, service):
        """Operations and critical controls that it lacks are refused, not ignored."""
        service.delete(directory.dn("lmoreau"))
        assert service.result["result"] == 50
        service.search(directory.base, "(uid=*)", controls=[("1.2.3.4", True, None)])
        assert service.result["result"] == 12
        with pytest.raises(LDAPException):
            service.start_tls()

    def test_requests_may_come_in_pieces_or_all_at_once(self, directory):
        """How the bytes were cut on the way makes no difference."""
        requests = b""
        for number in (1, 2, 3):
            message = LDAPMessage()
            message["messageID"] = number
            message["protocolOp"]["delRequest"] = DelRequest("uid=x")
            requests += encoder.encode(message)
        pieces = [requests, *(requests[n : n + 1] for n in range(len(requests)))]
        with socket.create_connection(("127.0.0.1", directory.port), timeout=5) as raw:
            for piece in pieces:
                raw.sendall(piece)
            raw.shutdown(socket.SHUT_WR)
            with raw.makefile("rb") as stream:
                answers = stream.read()
        codes = []
        while answers:
            answer, answers = decoder.decode(answers, asn1Spec=LDAPMessage())
            codes.append((int(answer["messageID"]), int(answer["protocolOp"]["delResponse"]["resultCode"])))
        assert codes == [(1, 8), (2, 8), (3, 8)] * 2

    @pytest.mark.parametrize(
        "rubbish", [b"GET / HTTP/1.1\r\n\r\n", b"\x30\x03\x02\x01", b"\x30\x80\x00\x00", b"\x30\x03xyz"]
    )
    def test_rubbish_ends_the_session_and_harms_no_other(self, directory, service, rubbish):
        """A broken message is answered by a notice of disconnection; other clients go on."""
        with socket.create_connection(("127.0.0.1", directory.port), timeout=5) as raw:
            raw.sendall(rubbish)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(1000):
                pass
        assert len(found(service, directory.base, "(uid=lmoreau)")) == 1


REFERENCE = {"ExternalRef": "case-1"}


@pytest.fixture
def desk() -> Iterator[StandInDesk]:
    with StandInDesk() as running:
        yield running


@pytest.fixture
def rt(desk: StandInDesk) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {desk.token}"}
    with httpx.Client(base_url=desk.root, headers=headers, timeout=5, trust_env=False) as client:
        yield client


def opened(rt: httpx.Client, reference: str = "case-1") -> str:
    fields = {"ExternalRef": reference, "Bogus": "x"}
    body = {"Queue": "Security", "Subject": "Boîte détournée", "Content": "Text", "CustomFields": fields}
    answer = rt.post("/ticket", json=body)
    assert answer.status_code == 201
    return str(answer.json()["id"])


def numbers(rt: httpx.Client, query: str, **more: str) -> list[str]:
    answer = rt.get("/tickets", params={"query": query, **more})
    assert answer.status_code == 200
    return [item["id"] for item in answer.json()["items"]]


class TestDesk:
    def test_a_ticket_is_opened_and_read_back(self, desk, rt):
        """Text ids in the answer, a number when read, and only the custom field that the queue has."""
        made = rt.post("/ticket", json={"Queue": "Security", "CustomFields": {**REFERENCE, "Bogus": "x"}})
        assert {"id": "1", "type": "ticket", "_url": f"{desk.root}/ticket/1"} == made.json()
        assert made.headers["Location"] == "/REST/2.0/ticket/1"
        ticket = rt.get("/ticket/1").json()
        (field,) = ticket["CustomFields"]
        assert (field["name"], field["values"]) == ("ExternalRef", ["case-1"])
        assert (ticket["id"], ticket["Status"], ticket["Queue"]["id"]) == (1, "new", "3")
        assert [kept.fields for kept in desk.tickets] == [{"ExternalRef": "case-1"}]

    @pytest.mark.parametrize(
        ("body", "status", "message"),
        [
            ({"Queue": "Nope"}, 403, "No permission to create tickets in the queue 'Nope'"),
            ({"Subject": "x"}, 400, "Could not create ticket. Queue not set"),
            ({"Queue": "Security", "Status": "odd"}, 400, "Status 'odd' isn't a valid status"),
            ({"Queue": "Security", "Attachments": [{"FileName": "x"}]}, 400, "Field FileType is required"),
        ],
    )
    def test_what_cannot_be_opened(self, desk, rt, body, status, message):
        """The desk's own refusals, and no ticket."""
        answer = rt.post("/ticket", json=body)
        assert status == answer.status_code
        assert message in answer.json()["message"]
        assert desk.tickets == []

    def test_a_wrong_token_gets_nothing(self, desk, rt):
        """401 whatever is asked, also with no token at all."""
        for headers in ({"Authorization": "token 1-14-wrong"}, {"Authorization": ""}):
            answer = rt.get("/rt", headers=headers)
            assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})

    def test_the_desk_says_that_it_is_a_stand_in(self, rt):
        """In the banner and in what it says of itself."""
        answer = rt.get("/rt")
        assert "stand-in" in answer.headers["Server"]
        assert "stand-in" in answer.json()["Note"]

    def test_a_queue_is_looked_up_by_name_or_number(self, rt):
        """The custom fields that its tickets have are listed; an unknown queue is forbidden, not absent."""
        for name in ("Security", "security", "3"):
            assert [one["name"] for one in rt.get(f"/queue/{name}").json()["TicketCustomFields"]] == [
                "ExternalRef"
            ]
        assert rt.get("/queue/Nope").status_code == 403

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("'CF.{ExternalRef}' = 'case-1'", ["1", "3"]),
            ("'CF.{ExternalRef}'='CASE-1'", ["1", "3"]),
            ('"CF.{ExternalRef}" = "case-1"', ["1", "3"]),
            ("CF.{ExternalRef} = 'case-1' AND Queue = 'Security'", ["1", "3"]),
            ("'CF.Security.{ExternalRef}' = 'case-1'", ["1", "3"]),
            (r"'CF.{ExternalRef}' = 'o\'case'", ["2"]),
            ("'CF.{ExternalRef}' = 'case-1' AND id != 1", ["3"]),
            ("'CF.{ExternalRef}' = 'none' OR (id = 2 AND Status = 'new')", ["2"]),
            ("'CF.{Bogus}' = 'x'", []),
            ("'CF.{ExternalRef}' = 'case'", []),
            ("", []),
        ],
    )
    def test_tickets_with_the_same_reference_are_all_found(self, rt, query, found):
        """A search finds every ticket that bears the reference, in every state, and no other."""
        for reference in ("case-1", "o'case", "case-1"):
            opened(rt, reference)
        rt.put("/ticket/3", json={"Status": "resolved"})
        assert found == numbers(rt, query)

    @pytest.mark.parametrize(
        "query", ["garbage ( x", "id = 1 AND", "(id = 1", "id = 1 )", "id = '1", "id LIKE '1'"]
    )
    def test_a_query_that_cannot_be_read_is_an_error(self, rt, query):
        """400, never an empty list that would read as no ticket yet."""
        answer = rt.get("/tickets", params={"query": query})
        assert answer.status_code == 400
        assert answer.json()["message"].startswith("Wrong query")

    def test_pages_and_fields(self, desk, rt):
        """Long results come in pages with links; further fields are given when asked for."""
        for _ in range(3):
            opened(rt)
        query = "'CF.{ExternalRef}' = 'case-1'"
        first = rt.get(
            "/tickets", params={"query": query, "per_page": "2", "fields": "Status,CustomFields,None"}
        ).json()
        assert tuple(first[name] for name in ("count", "page", "pages", "total", "per_page")) == (
            2,
            1,
            2,
            3,
            2,
        )
        assert {"id", "type", "_url", "Status", "CustomFields"} == set(first["items"][0])
        second = rt.get(first["next_page"]).json()
        assert [item["id"] for item in second["items"]] == ["3"]
        assert "prev_page" in second
        assert "next_page" not in second

    def test_comments(self, desk, rt):
        """As JSON or as text; an unknown ticket gets 400 as RT does, and JSON must name its content type."""
        opened(rt)
        body = {"Content": "fait", "ContentType": "text/plain", "Status": "open"}
        answer = rt.post("/ticket/1/comment", json=body)
        assert (
            answer.status_code,
            answer.json(),
        ) == (201, ["Comments added", "Status changed from 'new' to 'open'"])
        text = {"Content-Type": "text/plain"}
        assert rt.post("/ticket/1/comment", content="plain", headers=text).status_code == 201
        assert rt.post("/ticket/1/comment", json={"Content": "c"}).status_code == 400
        assert rt.post("/ticket/9/comment", json=body).status_code == 400
        assert desk.tickets[0].comments == ["fait", "plain"]

    def test_updates_answer_200_even_when_refused(self, desk, rt):
        """RT's trap: only the text tells; the same update again says nothing."""
        opened(rt)
        said = [
            rt.put("/ticket/1", json={"Status": status}) for status in ("resolved", "nonsense", "resolved")
        ]
        assert [answer.status_code for answer in said] == [200, 200, 200]
        assert said[0].json() == ["Ticket 1: Status changed from 'new' to 'resolved'"]
        assert said[1].json() == ["Ticket 1: Status 'nonsense' isn't a valid status for this ticket."]
        assert said[2].json() == []
        change = {"Subject": "new", "CustomFields": {"ExternalRef": "case-2", "Bogus": "y"}}
        assert "ExternalRef case-1 changed to case-2" in rt.put("/ticket/1", json=change).json()
        assert rt.put("/ticket/9", json=change).status_code == 404

    def test_what_is_not_there(self, rt):
        """404 for unknown things, 405 for unknown ways, 415 for unknown forms, 400 for broken JSON."""
        json = {"Content-Type": "application/json"}
        assert rt.get("/ticket/1").status_code == 404
        assert rt.get("/nowhere").status_code == 404
        assert ((no := rt.post("/rt")).status_code, no.headers["Allow"]) == (405, "GET")
        assert rt.post("/ticket", data={"a": "b"}).status_code == 415
        assert rt.post("/ticket", content="{bad", headers=json).status_code == 400
        assert rt.post("/ticket", content="[]", headers=json).status_code == 400


class TestMailbox:
    def test_a_message_is_kept_with_its_envelope(self):
        """What smtplib sends is what is kept, letters beyond ASCII included."""
        message = EmailMessage()
        message["Subject"] = "Votre messagerie a été bloquée"
        message["To"] = "lmoreau@example.net"
        message.set_content("Bonjour Léa")
        with StandInMailbox() as mailbox, smtplib.SMTP(mailbox.host, mailbox.port, timeout=5) as smtp:
            smtp.send_message(message, "security@example.org", ["lmoreau@example.net"])
            (received,) = mailbox.received
        assert (received.sender, received.recipients) == ("security@example.org", ("lmoreau@example.net",))
        assert received.message["Subject"] == "Votre messagerie a été bloquée"
        assert received.message.get_content().strip() == "Bonjour Léa"

    def test_the_banner_says_that_it_is_a_stand_in(self):
        """Whoever connects is told."""
        with StandInMailbox() as mailbox, smtplib.SMTP() as smtp:
            assert b"stand-in" in smtp.connect(mailbox.host, mailbox.port)[1]

    def test_an_unknown_recipient_is_refused(self):
        """550, and nothing is kept."""
        with StandInMailbox(frozenset({"gone@example.net"})) as mailbox:
            with smtplib.SMTP(mailbox.host, mailbox.port, timeout=5) as smtp:
                with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                    smtp.sendmail("security@example.org", ["gone@example.net"], "x")
                assert refused.value.recipients["gone@example.net"][0] == 550
            assert mailbox.received == []

    def test_a_client_that_stays_does_not_hold_up_the_end(self):
        """Leaving the block closes connections that are still open."""
        with StandInMailbox() as mailbox:
            smtp = smtplib.SMTP(mailbox.host, mailbox.port, timeout=5)
        with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
            smtp.noop()
        smtp.close()


MOBILE, SENDER = "+33639980001", "+33639980000"


@pytest.fixture
def service_sms() -> Iterator[StandInSms]:
    with StandInSms(unreachable=frozenset({"+33199000001"})) as running:
        yield running


@pytest.fixture
def twilio(service_sms: StandInSms) -> Iterator[Client]:
    http = TwilioHttpClient(timeout=5)
    http.session.trust_env = False
    client = Client(service_sms.account_sid, service_sms.auth_token, http_client=http)
    client.api.base_url = service_sms.url
    yield client
    http.session.close()


class TestSms:
    def test_a_message_is_taken_and_found_again(self, service_sms, twilio):
        """The SDK gets back what it sent, and finds it by recipient and time, newest first."""
        before = datetime.now(UTC) - timedelta(seconds=5)
        sent = twilio.messages.create(to=MOBILE, from_=SENDER, body="Compte bloqué ’")
        twilio.messages.create(to="+33639980002", from_=SENDER, body="other")
        assert (sent.status, sent.error_code, sent.num_segments) == ("queued", None, "1")
        assert len(sent.sid) == 34
        assert sent.date_created >= before
        assert [sent.sid] == [one.sid for one in twilio.messages.list(to=MOBILE, date_sent_after=before)]
        assert twilio.messages.list(to=MOBILE, date_sent_after=before + timedelta(hours=1)) == []
        again = twilio.messages(sent.sid).fetch()
        assert (
            again.status,
            again.body,
            again.to,
            again.from_,
        ) == ("delivered", "Compte bloqué ’", MOBILE, SENDER)
        assert [kept.body for kept in service_sms.messages] == ["Compte bloqué ’", "other"]

    def test_pages(self, twilio):
        """More than a page is given in several."""
        for number in range(5):
            twilio.messages.create(to=MOBILE, from_=SENDER, body=f"text {number}")
        bodies = [one.body for one in twilio.messages.stream(to=MOBILE, page_size=2)]
        assert [f"text {number}" for number in (4, 3, 2, 1, 0)] == bodies

    @pytest.mark.parametrize(
        ("to", "sender", "body", "code"),
        [
            ("12", SENDER, "x", 21211),
            ("0639980001", SENDER, "x", 21211),
            ("", SENDER, "x", 21604),
            (MOBILE, "", "x", 21603),
            (MOBILE, "not a sender at all", "x", 21212),
            (MOBILE, SENDER, "", 21602),
            (MOBILE, SENDER, "x" * 1601, 21617),
            ("+33199000001", SENDER, "x", 21614),
        ],
    )
    def test_refusals(self, service_sms, twilio, to, sender, body, code):
        """Each in Twilio's form and with Twilio's code; nothing is kept."""
        with pytest.raises(TwilioRestException) as refused:
            twilio.messages.create(to=to, from_=sender, body=body)
        assert (400, code) == (refused.value.status, refused.value.code)
        assert service_sms.messages == []

    def test_a_bad_number_stops_no_other(self, service_sms, twilio):
        """The message before and the one after are taken."""
        for to in (MOBILE, "12", "+33639980002"):
            with suppress(TwilioRestException):
                twilio.messages.create(to=to, from_="SECURITE", body="x")
        assert [kept.to for kept in service_sms.messages] == [MOBILE, "+33639980002"]

    def test_a_wrong_login_gets_nothing(self, service_sms, twilio):
        """401 with code 20003, whatever is asked."""
        twilio.password = "wrong"
        twilio.auth = (service_sms.account_sid, "wrong")
        with pytest.raises(TwilioRestException) as refused:
            twilio.messages.create(to=MOBILE, from_=SENDER, body="x")
        assert (refused.value.status, refused.value.code) == (401, 20003)

    def test_the_account_and_what_is_not_there(self, service_sms, twilio):
        """The account can be asked for, and an unknown message is 404 with code 20404."""
        assert "stand-in" in twilio.api.accounts(service_sms.account_sid).fetch().friendly_name
        with pytest.raises(TwilioRestException) as absent:
            twilio.messages("SM" + "0" * 32).fetch()
        assert (absent.value.status, absent.value.code) == (404, 20404)

    @pytest.mark.shared
    def test_its_answers_have_the_form_that_twilio_describes(self, service_sms, twilio, shared):
        """Every field of an answer is one of the published description, and every list field is there."""
        described = YAML(typ="safe").load(shared / "specs" / "twilio_api_v2010.messages-calls.yaml")
        message = described["components"]["schemas"]["api.v2010.account.message"]["properties"]
        twilio.messages.create(to=MOBILE, from_=SENDER, body="x")
        url = f"{service_sms.url}/2010-04-01/Accounts/{service_sms.account_sid}/Messages.json"
        login = (service_sms.account_sid, service_sms.auth_token)
        answer = httpx.get(url, auth=login, timeout=5, trust_env=False).json()
        path = described["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["get"]
        listed = path["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
        assert set(listed) == set(answer)
        assert set(message) == set(answer["messages"][0])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("😀" * 36, 2),
    ],
)
def test_segments(text, parts):
    """A message is counted in GSM characters or, when one is outside, in UCS-2."""
    assert parts == segments(text)


@pytest.mark.parametrize("make", [lambda: StandInDirectory(PEOPLE), StandInDesk, StandInSms])
def test_a_stand_in_ends_with_its_block(make):
    """Afterwards nothing listens, open connections are closed, and a second start gets a port of its own."""
    stand_in = make()
    with stand_in, socket.create_connection(("127.0.0.1", stand_in.port), timeout=5) as client:
        port = stand_in.port
        stand_in.__exit__()
        with suppress(ConnectionResetError):  # when it was still waiting to be accepted
            assert client.recv(1) == b""
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        pass
    with pytest.raises(RuntimeError, match="is not listening"):
        _ = stand_in.port
    with stand_in:
        assert stand_in.port
