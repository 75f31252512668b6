"""What Slack's errors mean: https://docs.slack.dev/reference/methods/chat.postMessage#errors."""

from __future__ import annotations

from bot.ports import Reject, Retry, UnknownOutcome

RATE = "slack_rate"
UNREACHABLE = "vendor_unreachable"
CREDENTIALS = "slack_credentials"
SCOPE = "slack_scope"
ARCHIVED = "slack_archived"
NOT_IN_CHANNEL = "slack_not_in_channel"
CHANNEL_GONE = "slack_channel_gone"
OTHER = "slack_refused"

SOCKET_MODE_OFF = frozenset({"forbidden_team", "link_disabled", "socket_mode_disabled"})
"""Slack documents the first alone: https://docs.slack.dev/reference/methods/apps.connections.open."""
ONCE = frozenset(
    {
        "chat.postEphemeral",
        "chat.postMessage",
        "files.completeUploadExternal",
        "views.open",
        "views.push",
    }
)
"""Methods of which a second call shows something twice. All others may be called again."""

MENDABLE = frozenset({ARCHIVED, NOT_IN_CHANNEL, CHANNEL_GONE, SCOPE, "slack_restricted"})
"""An operator can mend these: what was refused for them is done then, and not never."""
MEND_SECONDS = 60.0
_CREDENTIALS_AGAIN = 60.0  # seconds; an operator can mend it

_REASONS = {
    CREDENTIALS: (
        "account_inactive",
        "invalid_auth",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    ),
    SCOPE: ("access_denied", "missing_scope", "no_permission", "not_allowed_token_type"),
    ARCHIVED: ("is_archived", "channel_is_archived"),
    NOT_IN_CHANNEL: ("not_in_channel", "not_in_dm"),
    CHANNEL_GONE: ("channel_not_found", "channel_deleted", "invalid_channel"),
    "slack_restricted": (
        "channel_is_limited_access",
        "ekm_access_denied",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
    ),
    "slack_user_gone": (
        "cannot_dm_bot",
        "cannot_message_customer",
        "messages_tab_disabled",
        "user_disabled",
        "user_not_found",
        "users_not_found",
    ),
    "slack_too_long": ("msg_blocks_too_long", "msg_too_long", "too_many_attachments"),
    "slack_blocks": (
        "invalid_arguments",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
        "no_text",
        "view_too_large",
    ),
    "slack_message_gone": (
        "cant_delete_message",
        "cant_update_message",
        "compliance_exports_prevent_deletion",
        "edit_window_closed",
        "message_not_found",
        "thread_not_found",
    ),
    "slack_trigger": (
        "exchanged_trigger_id",
        "expired_trigger_id",
        "invalid_trigger_id",
        "trigger_exchanged",
        "trigger_expired",
        "view_not_found",
    ),
    "slack_file": (
        "file_not_found",
        "file_update_failed",
        "file_uploads_disabled",
        "file_uploads_except_images_disabled",
        "file_upload_size_restricted",
        "posting_to_channel_denied",
        "slack_connect_canvas_sharing_blocked",
        "slack_connect_file_link_sharing_blocked",
        "slack_connect_file_upload_sharing_blocked",
        "storage_limit_reached",
    ),
}
_BY_ERROR = {error: reason for reason, errors in _REASONS.items() for error in errors}
_PASSING = frozenset({"request_timeout", "service_unavailable", "team_added_to_org"})
_HALF_DONE = frozenset({"fatal_error", "internal_error"})
"""Slack: "It's possible some aspect of the operation succeeded before the error was raised"."""


class SlackRefused(Reject):
    """Slack answered ``ok: false``. ``reason`` has a sentence, ``error`` is Slack's own code."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(reason)
        self.error = error


def refusal(method: str, error: str) -> Retry | UnknownOutcome | SlackRefused:
    """What ``ok: false`` with this error means for a call."""
    if error in _PASSING:
        return Retry(None, UNREACHABLE)
    if error in _HALF_DONE:
        return cut_off(method)
    reason = _BY_ERROR.get(error, OTHER)
    if reason == CREDENTIALS:
        return Retry(_CREDENTIALS_AGAIN, CREDENTIALS)
    return SlackRefused(reason, error)


def cut_off(method: str) -> Retry | UnknownOutcome:
    """What it means that a request left and nobody knows what became of it."""
    return UnknownOutcome() if method in ONCE else Retry(None, UNREACHABLE)


def reasons() -> frozenset[str]:
    """Every reason that a call may be refused for."""
    return frozenset({*_REASONS, OTHER, RATE})
