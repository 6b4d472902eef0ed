/** The words for what happened to people, clients and keys: what it was, and what whoever reads of it may want to do. */

import type { Explanation } from '@pawl/family'
import type { EventKind, RecordedEvent } from '../domain/event/event.ts'
import { isoInstant } from '../domain/time.ts'

/** What the rule decided has the words of the rule. */
export type RuledKind =
  | 'family_ended'
  | 'token_reused'
  | 'token_repeated'
  | 'token_stale'
  | 'token_ahead'
  | 'retry_key_missing'
  | 'binding_missing'

/** What changed nothing has words of its own, in `explain-alarms.ts`. */
export type AlarmKind = 'wrong_client' | 'suspicious_pkce'

interface Happening {
  readonly title: string
  /** Goes on after "At such a time, ". */
  readonly happened: string
  readonly operator: string
}

/** Says when and from where it happened, whom it concerns, and whatever else is on record. */
export function happeningExplanation(event: RecordedEvent, { title, happened, operator }: Happening): Explanation {
  const sentences = [`At ${isoInstant(event.atMs)}${fromWhere(event)}, ${happened}`, concerned(event), recorded(event)]
  return {
    title,
    sentences: sentences.filter(sentence => sentence !== ''),
    nextSteps: [{ reader: 'operator', sentence: operator }],
  }
}

/** Where it came from, for the middle of a sentence; empty where nobody knows. */
export function fromWhere({ detail }: RecordedEvent): string {
  const { address, agent } = detail
  const place = typeof address === 'string' ? ` from ${address}` : ''
  return typeof agent === 'string' ? `${place} with "${agent}"` : place
}

function concerned({ clientId, subject, sessionId, familyId }: RecordedEvent): string {
  const parties = { client: clientId, user: subject, session: sessionId, family: familyId }
  const named = Object.entries(parties).filter(([, id]) => id !== null)
  return named.length === 0 ? '' : `It concerns ${named.map(([what, id]) => `${what} ${String(id)}`).join(', ')}.`
}

function recorded({ detail }: RecordedEvent): string {
  const others = Object.entries(detail).filter(([name, value]) => value !== null && !toldAbove.has(name))
  return others.length === 0
    ? ''
    : `On record: ${others.map(([name, value]) => `${name}: ${String(value)}`).join(', ')}.`
}

const toldAbove: ReadonlySet<string> = new Set(['address', 'agent'])

const nothing = 'Nothing needs to be done.'
const ifNotYou = 'Nothing needs to be done, if whoever it names was meant to do it.'
const askThePerson =
  'Ask the person, if it looks strange: whoever is in their account can do this too. `pawl revoke --user` ends what stands.'

export const happenings: { readonly [kind in Exclude<EventKind, RuledKind | AlarmKind>]: Happening } = {
  family_opened: {
    title: 'A family was opened',
    happened: 'a client was let in, or branched a family that it had.',
    operator: nothing,
  },
  access_token_revoked: {
    title: 'An access token was revoked',
    happened: 'a client gave back one access token (RFC 7009). Its family lives on.',
    operator: nothing,
  },
  token_exchanged: {
    title: 'An access token was exchanged',
    happened: 'an API exchanged a token that was sent to it for one to another API (RFC 8693).',
    operator: 'Nothing needs to be done while the API is one that you registered for that (`client add --exchange`).',
  },
  cut_off_set: {
    title: 'A cut-off was set',
    happened: 'everything of the target that stood on a moment before its time was ended, for good.',
    operator: 'The people concerned sign in again. Ask whoever set it if you need to know more.',
  },
  client_added: { title: 'A client was added', happened: 'a client was registered.', operator: ifNotYou },
  client_changed: {
    title: 'A client was changed',
    happened: 'the registration of a client was changed.',
    operator: ifNotYou,
  },
  client_removed: {
    title: 'A client was removed',
    happened: 'a client was removed, and everything that it held is over.',
    operator: ifNotYou,
  },
  client_secret_rotated: {
    title: 'A client secret was rotated',
    happened: 'a client got a new secret, or an old one was given an end.',
    operator: 'See to it that the application uses the new one before the old one ends.',
  },
  registration_token_added: {
    title: 'A registration token was made',
    happened: 'a token was made with which clients register themselves (RFC 7591).',
    operator: ifNotYou,
  },
  registration_token_revoked: {
    title: 'A registration token was revoked',
    happened: 'a token with which clients registered themselves was ended. Those that did stay.',
    operator: nothing,
  },
  details_type_added: {
    title: 'A type of authorization details was added',
    happened: 'a type was put into the register of authorization details (RFC 9396).',
    operator: ifNotYou,
  },
  details_type_changed: {
    title: 'A type of authorization details was changed',
    happened: 'a type in the register of authorization details was replaced.',
    operator: ifNotYou,
  },
  details_type_removed: {
    title: 'A type of authorization details was removed',
    happened: 'a type left the register of authorization details, and is granted no more.',
    operator: ifNotYou,
  },
  resource_added: {
    title: 'A resource was added',
    happened: 'an API was put into the register of resources.',
    operator: ifNotYou,
  },
  resource_changed: {
    title: 'A resource was changed',
    happened: 'an API in the register of resources was changed; tokens that are made from now on follow it.',
    operator: ifNotYou,
  },
  resource_removed: {
    title: 'A resource was removed',
    happened: 'an API left the register of resources, and no token is made for it any more.',
    operator: ifNotYou,
  },
  user_added: { title: 'A user was added', happened: 'a user got an account.', operator: nothing },
  user_changed: { title: 'A user was changed', happened: 'what is known of a user was changed.', operator: nothing },
  user_disabled: {
    title: 'A user was disabled',
    happened: 'a user was disabled, and everything that stood on their sign-ins is over.',
    operator: ifNotYou,
  },
  user_enabled: {
    title: 'A user was enabled',
    happened: 'a user may sign in again. What was ended before stays so.',
    operator: ifNotYou,
  },
  password_changed: { title: 'A password was changed', happened: 'a user got a new password.', operator: askThePerson },
  password_mail_sent: {
    title: 'Mail to choose a password was sent',
    happened: 'somebody asked to choose a password anew, and a link was sent to the address of the account.',
    operator:
      'Nothing needs to be done: only who reads that mail can use it. Many of these are somebody being a nuisance.',
  },
  signed_in: { title: 'A user signed in', happened: 'a user signed in.', operator: nothing },
  session_raised: {
    title: 'A session was raised',
    happened: 'a user who was signed in showed one more factor.',
    operator: nothing,
  },
  signed_out: { title: 'A user signed out', happened: 'a session was ended.', operator: nothing },
  sign_in_throttled: {
    title: 'Sign-ins were slowed down',
    happened: 'too many attempts to sign in had failed, and more are refused for a while.',
    operator: 'Look at the address: one that tries many accounts, or one account from everywhere, is an attack.',
  },
  totp_set: { title: 'One-time codes were set up', happened: 'a user set one-time codes up.', operator: askThePerson },
  totp_removed: {
    title: 'One-time codes were removed',
    happened: 'one-time codes were removed.',
    operator: askThePerson,
  },
  recovery_codes_made: {
    title: 'Recovery codes were made',
    happened: 'a user got new recovery codes, and the old ones are worth nothing.',
    operator: askThePerson,
  },
  recovery_code_used: {
    title: 'A recovery code was used',
    happened: 'a user signed in with a recovery code in place of their second factor.',
    operator: askThePerson,
  },
  passkey_added: { title: 'A passkey was added', happened: 'a user added a passkey.', operator: askThePerson },
  passkey_removed: { title: 'A passkey was removed', happened: 'a passkey was removed.', operator: askThePerson },
  passkey_cloned: {
    title: 'A passkey may have been copied',
    happened: 'a passkey answered with a count that had not grown, and was refused: there may be two of it.',
    operator: 'Ask the person to remove this passkey and add another. Who had their device in hand?',
  },
  factors_reset: {
    title: 'All factors of a user were reset',
    happened: 'what a user shows besides a password was removed.',
    operator: 'The person sets a second factor up again. Whoever asked for this must have been the person.',
  },
  upstream_added: {
    title: 'A provider was added',
    happened: 'another OpenID provider was added, at which people may sign in.',
    operator: ifNotYou,
  },
  upstream_removed: {
    title: 'A provider was removed',
    happened: 'an OpenID provider was removed, and nobody signs in there any more.',
    operator: ifNotYou,
  },
  upstream_linked: {
    title: 'An account was connected',
    happened: 'an account here was connected to one at another provider, by somebody who had signed in at both.',
    operator: askThePerson,
  },
  upstream_unlinked: {
    title: 'An account was disconnected',
    happened: 'an account here was disconnected from one at another provider.',
    operator: askThePerson,
  },
  delivery_failed: {
    title: 'An application could not be told',
    happened: 'the server gave up telling an application that a session had ended.',
    operator: 'See `pawl deliveries list --failed`, and tell the owner of the application what it answered.',
  },
  consent_given: {
    title: 'Consent was given',
    happened: 'a user allowed a client what it asked for.',
    operator: nothing,
  },
  consent_withdrawn: {
    title: 'Consent was withdrawn',
    happened: 'what a user had allowed a client was taken back, and what it held is over.',
    operator: nothing,
  },
  signing_key_added: {
    title: 'A signing key was added',
    happened: 'a signing key was published; it signs from the time on record.',
    operator: ifNotYou,
  },
  device_denied: {
    title: 'A device was refused',
    happened: 'somebody entered the code of a device and said no.',
    operator:
      'Nothing needs to be done for one. If many people refuse, somebody sends codes to strangers: look where the device asked from.',
  },
  user_codes_throttled: {
    title: 'Guesses at user codes were slowed down',
    happened: 'too many codes were entered that no device shows, and more are refused for a while.',
    operator: 'Nothing needs to be done: they are refused. Many of these from one network are somebody trying.',
  },
}
