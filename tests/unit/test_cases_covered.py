"""Failures that users of other tools reported, and where each is a test of ours.

The reports are in the folder of shared inputs (``cases``). Those of logs, time and following files, up to number
46, are all here; of the later ones those that are tested already.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

PROJECT = Path(__file__).parents[2]

POSTFIX = "tests/cases/test_cases_postfix.py::"
POSTFIX_LINES = "tests/unit/test_postfix.py::"
DOVECOT = "tests/unit/test_dovecot.py::test_failures_of_other_tools_are_none_of_ours"
EXIM = "tests/unit/test_exim.py::"
BROKE_EXIM = f"{EXIM}test_what_broke_other_tools"
FORMATS = "tests/cases/formats/"
FOLLOWED = "tests/unit/test_followed.py::"
PRIVACY = "tests/unit/test_privacy.py::"
SYSTEMS = "tests/unit/test_systems.py::"
TROUBLE = "tests/contract/test_trouble.py::"
DIRECTORY = "tests/contract/test_directory.py::"

NO_PASSWORD = f"{PRIVACY}test_a_password_or_its_hash_that_dovecot_logs_is_left_out"
NO_NETWORK = f"{PRIVACY}test_addresses_that_tell_no_origin_have_no_network"

TESTED = {
    "01-postfix-error-daemon-deferred": [
        f"{POSTFIX}test_01_a_delivery_that_the_error_daemon_deferred_is_one_deferred_delivery",
        f"{POSTFIX_LINES}test_every_delivery_agent_tells_of_deliveries",
    ],
    "03-postfix-long-queue-id-and-orig-to": [
        f"{POSTFIX}test_03_a_long_queue_id_may_have_any_length",
        f"{POSTFIX}test_03_the_address_before_rewriting_is_no_second_recipient",
        f"{POSTFIX_LINES}test_queue_ids_of_either_form",
        f"{POSTFIX_LINES}test_words_are_no_queue_ids",
    ],
    "05-postfix-warn-if-reject-is-not-a-reject": [
        f"{POSTFIX}test_05_a_warning_in_the_place_of_a_reject_is_no_event",
        f"{FORMATS}postfix/logins.yaml: a command that was refused, or would have been, is no login, though a login "
        "is named in it",
    ],
    "07-postfix-one-failed-login-two-lines": [
        f"{POSTFIX}test_07_one_failed_login_is_one_though_three_lines_tell_of_it",
        f"{FORMATS}postfix/logins.yaml: one failed login is one, however many lines tell of it and whatever the "
        "session is counted by",
    ],
    "09-postfix-client-port-and-service-names": [
        f"{POSTFIX}test_09_client_ports_and_service_names_change_nothing",
        f"{POSTFIX_LINES}test_any_instance_and_service_may_speak",
    ],
    "11-postfix-iso-timestamp-and-reason-unavailable": [
        f"{POSTFIX}test_11_a_failed_login_with_an_iso_stamp_and_no_reason"
    ],
    "13-postfix-sent-reply-without-enhanced-code": [
        f"{POSTFIX}test_13_the_remote_server_s_reply_need_not_have_a_code"
    ],
    "15-postfix-cleanup-replace-carries-two-message-ids": [
        f"{POSTFIX}test_15_a_header_that_cleanup_replaced_is_no_event"
    ],
    "17-postfix-content-filter-counts-twice": [
        f"{POSTFIX}test_17_a_message_through_a_content_filter_is_one_to_one_recipient",
        f"{FORMATS}postfix/filter.yaml: a content filter hands the message back, and says the new id",
        f"{FORMATS}postfix/local.yaml: a filter that speaks LMTP hands over as one that speaks SMTP does",
    ],
    "19-postfix-webmail-login-from-localhost": [
        f"{POSTFIX}test_19_a_message_from_webmail_counts_and_tells_no_origin",
        NO_NETWORK,
    ],
    "20-dovecot-version-2.4-lines": [DOVECOT, NO_PASSWORD],
    "22-dovecot-password-in-unknown-user-line": [DOVECOT, NO_PASSWORD],
    "24-dovecot-user-without-angle-brackets": [
        DOVECOT,
        f"{FORMATS}dovecot/logins.yaml: without angle brackets the comma ends the name",
    ],
    "26-dovecot-login-from-proxy-address": [
        DOVECOT,
        f"{FORMATS}dovecot/logins.yaml: addresses of a proxy or of the machine itself stay as they are",
        NO_NETWORK,
    ],
    "28-exim-message-id-4.97": [
        BROKE_EXIM,
        f"{FORMATS}exim/messages.yaml: old ids and new ones in one log",
    ],
    "29-exim-syslog-wrapped-double-timestamp": [
        BROKE_EXIM,
        f"{FORMATS}exim/syslog.yaml: two stamps, of which Exim's own has the year",
        f"{FORMATS}exim/syslog.yaml: one stamp, syslog's",
    ],
    "30-exim-pid-and-milliseconds": [BROKE_EXIM, f"{FORMATS}exim/messages.yaml: every optional field"],
    "32-exim-syslog-split-entries-and-odd-bytes": [
        BROKE_EXIM,
        f"{FORMATS}exim/syslog.yaml: of a long line only the first piece is read",
        f"{EXIM}test_a_delivery_is_read_though_bytes_in_it_are_no_text",
    ],
    "34-exim-quotes-inside-quoted-client-data": [
        BROKE_EXIM,
        f"{EXIM}test_text_of_strangers_is_no_event",
        f"{FORMATS}exim/messages.yaml: lines that are about no message",
    ],
    "37-exchange-null-sender": [
        "tests/unit/test_m365_trace.py::test_the_null_sender_is_no_account",
        f"{FORMATS}m365-trace/records.yaml: the null sender is no account",
    ],
    "39-exchange-ipv6-zone-id-in-client-ip": [
        "tests/unit/test_exchange.py::test_a_zone_in_an_address_loses_no_line",
        NO_NETWORK,
    ],
    "41-time-new-year-without-year": [
        f"{POSTFIX}test_41_at_new_year_the_year_is_that_nearest_to_the_reading",
        "tests/unit/test_given.py::test_the_reference_is_the_time_of_the_file",
    ],
    "43-time-out-of-order-months-must-not-add-years": [
        f"{POSTFIX}test_43_months_that_go_back_and_forth_add_no_years"
    ],
    "45-time-impossible-date": [
        f"{POSTFIX}test_45_an_impossible_date_is_told_of_and_never_rolls_over",
        f"{POSTFIX_LINES}test_an_impossible_time_is_told_of_and_stops_nothing",
    ],
    "46-tail-copytruncate-keeps-inode": [
        f"{FOLLOWED}test_rotation_loses_and_repeats_nothing",
        f"{FOLLOWED}test_a_truncated_file_that_grew_past_the_old_position_is_noticed",
        f"{FOLLOWED}test_a_truncated_file_that_grew_to_the_same_size_is_noticed",
        f"{FOLLOWED}test_a_rotated_copy_is_found_compressed",
    ],
    "50-ldap-escape-order-and-double-escape": [f"{SYSTEMS}test_filter_values_are_escaped_once"],
    "52-ldap-dn-with-comma-in-name": [f"{DIRECTORY}test_an_entry_is_followed_when_it_moves"],
    "58-ldap-starttls-on-ldaps": [f"{SYSTEMS}test_wrong_settings_are_found_when_they_are_read"],
    "60-ldap-reconnect-after-idle-close": [
        f"{DIRECTORY}test_a_server_that_is_back_is_used_again",
        f"{TROUBLE}test_a_lost_answer_of_the_directory_is_an_unknown_outcome",
    ],
    "70-scheduler-two-schedulers-one-store": [
        "tests/acceptance/test_bad_input.py::test_a_second_service_on_the_same_site_is_refused"
    ],
    "72-notify-http-default-read-timeout": [
        f"{TROUBLE}test_a_late_answer_to_an_opening_is_an_unknown_outcome",
        "tests/contract/test_desk.py::test_opening_twice_gives_one_ticket",
    ],
    "74-notify-retries-only-for-connect": [
        f"{TROUBLE}test_each_answer_to_an_opening_says_whether_it_may_have_been_done",
        f"{SYSTEMS}test_retry_after_is_a_number_or_a_date",
    ],
    "79-sms-one-bad-number-stops-all": [
        "tests/contract/test_sms.py::test_a_number_that_will_not_do_is_refused_with_its_code",
        f"{SYSTEMS}test_a_number_without_its_country_is_no_use",
    ],
    "81-sms-trial-account-unverified": [
        f"{TROUBLE}test_each_answer_to_a_text_says_whether_it_may_have_been_sent"
    ],
    "83-sms-timeout-may-have-sent": [
        f"{TROUBLE}test_a_late_answer_to_a_text_is_an_unknown_outcome",
        "tests/contract/test_sms.py::test_a_message_is_found_by_number_and_exact_text",
    ],
    "85-sms-segment-counting": [
        f"{SYSTEMS}test_segments_are_counted_as_they_are_billed",
        f"{SYSTEMS}test_texts_are_reduced_where_nothing_is_lost",
    ],
}
"""Each report by the name of its file, and the tests: a function, or lines of a format by their name."""

LOGS = 46
"""The last number of those of logs, time and following files."""


def is_there(place: str) -> bool:
    """Whether the test's file has a function, or a case, of that name."""
    file, _, name = place.partition("::" if "::" in place else ": ")
    text = (PROJECT / file).read_text(encoding="utf-8")
    if file.endswith(".yaml"):
        return name in [case["name"] for case in YAML(typ="safe").load(text)]
    return name in [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("case", TESTED)
def test_each_test_of_a_report_is_there(case):
    """Nobody renamed it, or took it away."""
    assert [place for place in TESTED[case] if not is_there(place)] == []
    assert TESTED[case]


@pytest.mark.shared
def test_every_report_about_logs_is_tested(shared):
    """And the table names no report that does not exist."""
    reports = {file.stem for file in (shared / "cases").glob("*.md")}
    assert {name for name in reports if int(name[:2]) <= LOGS} - TESTED.keys() == set()
    assert TESTED.keys() - reports == set()
