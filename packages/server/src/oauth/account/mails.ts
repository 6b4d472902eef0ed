/** The mails, word for word. None repeats anything that somebody else typed but the address it goes to. */

import type { Mail } from '../../domain/mail/mail.ts'
import { linkSeconds } from '../../domain/user/password-mail.ts'

interface About {
  readonly to: string
  readonly issuer: string
}

interface AboutLink extends About {
  readonly href: string
}

const minutes = linkSeconds / 60

export function resetMail({ to, issuer, href }: AboutLink): Mail {
  const host = hostOf(issuer)
  const text = `Somebody, probably you, has forgotten the password of your account at ${host}.

To choose a new one, open this within ${minutes} minutes:

${href}

It signs you out everywhere. If it was not you, do nothing: your password stays as it is.
`
  return { to, subject: `A new password for ${host}`, text }
}

export function newAccountMail({ to, issuer, href }: AboutLink): Mail {
  const host = hostOf(issuer)
  const text = `Somebody, probably you, wants an account at ${host} with this address.

To choose a password for it, open this within ${minutes} minutes:

${href}

If it was not you, do nothing: there will be no account.
`
  return { to, subject: `Your account at ${host}`, text }
}

export function accountExistsMail({ to, issuer, href }: AboutLink): Mail {
  const host = hostOf(issuer)
  const text = `Somebody, probably you, wanted an account at ${host} with this address. There is one already: sign in with it.

If you have forgotten its password, open this within ${minutes} minutes to choose a new one:

${href}

If it was not you, do nothing: nothing has changed.
`
  return { to, subject: `Your account at ${host}`, text }
}

export function passwordChangedMail({ to, issuer }: About): Mail {
  const host = hostOf(issuer)
  const text = `The password of your account at ${host} was changed just now.

If it was not you, choose a new one at once, and tell whoever runs ${host}.

Other ways to sign in that are set up, such as passkeys, stay as they are. You find them on ${issuer}/account.
`
  return { to, subject: `Your password at ${host} was changed`, text }
}

/** What somebody may have changed besides the password. */
export type ChangedWay =
  | 'passkey_added'
  | 'passkey_removed'
  | 'totp_set'
  | 'totp_removed'
  | 'recovery_codes_made'
  | 'recovery_code_used'
  | 'upstream_linked'
  | 'upstream_unlinked'

export function wayChangedMail({ to, issuer, what }: About & { readonly what: ChangedWay }): Mail {
  const host = hostOf(issuer)
  const text = `${changes[what]} your account at ${host} just now.

If it was not you, choose a new password at once, look at how you sign in on ${issuer}/account, and tell whoever runs ${host}.
`
  return { to, subject: `A change to how you sign in at ${host}`, text }
}

const changes: { readonly [what in ChangedWay]: string } = {
  passkey_added: 'A passkey was added to',
  passkey_removed: 'A passkey was removed from',
  totp_set: 'Codes of an authenticator application were set up for',
  totp_removed: 'Codes of an authenticator application were turned off for',
  recovery_codes_made: 'New recovery codes were made for',
  recovery_code_used: 'A recovery code was used to sign in to',
  upstream_linked: 'An account at another provider was connected to',
  upstream_unlinked: 'An account at another provider was disconnected from',
}

function hostOf(issuer: string): string {
  return new URL(issuer).host
}
