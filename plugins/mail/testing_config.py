"""What Dovecot and Exim are told in tests: templates, filled in by ``testing_servers.py``."""

from __future__ import annotations

DOVECOT = """\
base_dir = $folder/run
log_path = $folder/dovecot.log
protocols = imap lmtp
recipient_delimiter =
listen = 127.0.0.1
ssl = yes
ssl_cert = <$folder/certificate.pem
ssl_key = <$folder/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
mail_location = maildir:$folder/mail/%Lu
first_valid_uid = $uid
first_valid_gid = $gid
mail_max_userip_connections = 100
login_trusted_networks =
$tokens
passdb {
  driver = static
  args = password=$password
}
userdb {
  driver = static
  args = uid=$uid gid=$gid home=$folder/mail/%Lu
}
service imap-login {
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = $imaps
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $lmtp
  }
}
namespace inbox {
  inbox = yes
}
"""

TOKENS = """\
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = $folder/tokens.conf
}
"""

DOVECOT_UNPRIVILEGED = """\
default_internal_user = $user
default_login_user = $user
default_internal_group = $group
service imap-login {
  chroot =
}
service anvil {
  chroot =
}
"""

EXIM = """\
primary_hostname = $authserv
spool_directory = $folder/spool
log_file_path = $folder/log/%s
pid_file_path = $folder/spool/exim.pid
keep_environment =
exim_user = $user
exim_group = $gid
never_users =
deliver_drop_privilege = true
tls_advertise_hosts = *
tls_certificate = $folder/certificate.pem
tls_privatekey = $folder/key.pem
tls_on_connect_ports = $smtps
daemon_smtp_ports = $smtp
smtp_accept_max = 100
message_size_limit = 20M
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
acl_smtp_rcpt = recipients
acl_smtp_data = content
queue_only_load = 1000
smtp_accept_queue_per_connection = 0
ignore_bounce_errors_after = 1m

begin acl
recipients:
  deny    message = 5.1.1 User unknown
          local_parts = ^$unknown
  deny    message = 552 5.2.2 Mailbox full
          local_parts = ^$full
  defer   message = 451 4.7.1 Try again later
          local_parts = ^$later
  accept

content:
  require message = 5.6.0 The headers are not well-formed: $$acl_verify_message
          verify = header_syntax
  require message = 5.6.0 There is no sender in the headers
          verify = header_names_ascii
          condition = $${if def:h_From:}
  warn    set acl_m_from = $${address:$$h_From:}
  warn    condition = $${if eqi{$$authenticated_id}{$$acl_m_from}}
          add_header = :at_start:Authentication-Results: $authserv; \\
            dmarc=pass header.from=$${domain:$$acl_m_from}
  warn    condition = $${if !eqi{$$authenticated_id}{$$acl_m_from}}
          add_header = :at_start:Authentication-Results: $authserv; \\
            dmarc=fail header.from=$${domain:$$acl_m_from}
  accept

begin routers
returned:
  driver = redirect
  local_parts = ^$bounces
  allow_fail
  data = :fail: the mailbox is closed

kept:
  driver = accept
  condition = $${if def:h_$own:}
  transport = kept
  unseen

everybody:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = dovecot

begin transports
dovecot:
  driver = smtp
  protocol = lmtp
  port = $lmtp
  allow_localhost
  delivery_date_add
  envelope_to_add
  return_path_add

kept:
  driver = appendfile
  directory = $folder/kept
  maildir_format
  create_directory
  user = $user
  group = $group

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = $${if eq{$$auth3}{$password}}
  server_set_id = $$auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = $${if eq{$$auth2}{$password}}
  server_set_id = $$auth1
"""
