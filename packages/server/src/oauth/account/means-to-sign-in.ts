/** What people change about how they sign in. Each change ends what the operator's rule says, in its own transaction. */

import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import type { EventKind } from '../../domain/event/event.ts'
import type { Session } from '../../domain/session/session.ts'
import { setPassword as setAccountPassword } from '../../domain/user/accounts.ts'
import { type Passkey, passkeyNameCharactersMax } from '../../domain/user/credentials.ts'
import { type Ends, endsOf } from '../../domain/user/ends.ts'
import { checkCreation, creationOptions, relyingPartyOf } from '../../domain/user/passkey-ceremony.ts'
import { type PasswordFault, tooBusyRetrySeconds } from '../../domain/user/password.ts'
import { newRecoveryCodes } from '../../domain/user/recovery-codes.ts'
import { signIn } from '../../domain/user/sign-in.ts'
import { codePattern, newTotpKey, sealTotpKey, stepOfCode, totpKeyText, totpUri } from '../../domain/user/totp.ts'
import type { User } from '../../domain/user/user.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { passwordMeans } from '../browser.ts'
import { challengeOf } from '../passkey-sign-in.ts'
import { type AccountState, accountStateEndsAtMs } from './account-state.ts'
import { tellOfChange } from './tell-owner.ts'

/** Whoever has the account page open. */
export interface Owner {
  readonly user: User
  readonly session: Session
  readonly caller: Caller
}

export type PasswordChange =
  | { readonly kind: 'changed' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'password_refused'; readonly fault: PasswordFault }
  | { readonly kind: 'throttled' | 'busy'; readonly retryAfterSeconds: number }

/** The old password is tried as at any sign-in, under the same limits: a browser left open is no place to guess it. */
export async function changePassword(
  server: AuthorizationServer,
  owner: Owner,
  typed: { readonly current: string; readonly wanted: string; readonly deviceSecret: string | null },
): Promise<PasswordChange> {
  const { user, session, caller } = owner
  const { current, wanted, deviceSecret } = typed
  const means = passwordMeans(server)
  const tried = await signIn(means, { username: user.email, password: current, deviceSecret, caller })
  if (tried.kind !== 'signed_in') return tried
  const accounts = { ...means, users: server.store.users }
  // A reset that came in between has the last word: whoever knew the old password only must not undo it.
  const isDue = (row: User): boolean => !row.disabled && server.hasher.same(row.passwordHash, tried.user.passwordHash)
  const ends = endsFor(server, session)
  const setting = { subject: user.subject, password: wanted, ends, emailVerified: false, isDue }
  const outcome = await setAccountPassword(accounts, setting, caller)
  switch (outcome.kind) {
    case 'changed':
      tellOfChange(server, user.subject, 'password')
      return { kind: 'changed' }
    case 'unchanged':
    case 'unknown':
      return { kind: 'refused' }
    case 'password_refused':
      return outcome
    case 'too_busy':
      return { kind: 'busy', retryAfterSeconds: tooBusyRetrySeconds }
  }
}

export interface TotpOffer {
  readonly key: Uint8Array
  readonly keyText: string
  readonly uri: string
}

/** A key for an authenticator application; nothing is kept until a code of it has come back. */
export function offerTotp(server: AuthorizationServer, user: User, issuerHost: string): TotpOffer {
  return describeTotp(newTotpKey(server.entropy), user, issuerHost)
}

export function describeTotp(key: Uint8Array, user: User, issuerHost: string): TotpOffer {
  return { key, keyText: totpKeyText(key), uri: totpUri(key, { issuer: issuerHost, account: user.email }) }
}

/** The recovery codes, once the application's first code has shown that it has the key; null where the code is wrong. */
export async function setTotp(
  server: AuthorizationServer,
  owner: Owner,
  key: Uint8Array,
  code: string,
): Promise<readonly string[] | null> {
  const { subject } = owner.user
  const nowMs = await server.store.now()
  const digits = code.replace(/\s/g, '')
  const step = codePattern.test(digits) ? stepOfCode(key, digits, nowMs) : null
  if (step === null) return null
  const { codes, hashes } = newRecoveryCodes({ hashes: server.hasher, entropy: server.entropy }, subject)
  const sealedKey = sealTotpKey(server.sealer, subject, key)
  const totp = { subject, sealedKey, lastStep: step, createdAtMs: nowMs }
  const events = [ownEvent(server, owner, 'totp_set', nowMs)]
  await server.store.credentials.setTotp(totp, hashes, endsFor(server, owner.session), events)
  tellOfChange(server, subject, 'totp_set')
  return codes
}

export async function removeTotp(server: AuthorizationServer, owner: Owner): Promise<void> {
  const events = [ownEvent(server, owner, 'totp_removed', await server.store.now())]
  await server.store.credentials.removeTotp(owner.user.subject, endsFor(server, owner.session), events)
  tellOfChange(server, owner.user.subject, 'totp_removed')
}

/** New ones in the place of all there were; null where there is no key that they could stand in for. */
export async function makeRecoveryCodes(server: AuthorizationServer, owner: Owner): Promise<readonly string[] | null> {
  const { subject } = owner.user
  const { codes, hashes } = newRecoveryCodes({ hashes: server.hasher, entropy: server.entropy }, subject)
  const events = [ownEvent(server, owner, 'recovery_codes_made', await server.store.now())]
  if ((await server.store.credentials.setRecoveryCodes(subject, hashes, events)) !== 'done') return null
  tellOfChange(server, subject, 'recovery_codes_made')
  return codes
}

/** What the page hands to `navigator.credentials.create`, as JSON; null where the issuer has no name for passkeys. */
export function passkeyCreation(
  server: AuthorizationServer,
  stateToken: string,
  user: User,
  known: readonly Passkey[],
): string | null {
  const party = relyingPartyOf(server.issuer)
  if (party === null) return null
  const about = { subject: user.subject, email: user.email, known }
  return JSON.stringify(creationOptions(party, challengeOf(server, stateToken), about))
}

export interface NewPasskey {
  readonly stateToken: string
  readonly state: AccountState
  readonly answer: string
  readonly name: string
}

/** False where the browser's answer is not one to this page, or the passkey is there already. */
export async function addPasskey(server: AuthorizationServer, owner: Owner, made: NewPasskey): Promise<boolean> {
  const party = relyingPartyOf(server.issuer)
  if (party === null) return false
  const challenge = challengeOf(server, made.stateToken)
  const checked = await checkCreation(party, challenge, made.answer)
  if (checked === null) return false
  if (!(await server.store.marks.take('passkey', challenge, accountStateEndsAtMs(made.state)))) return false
  const nowMs = await server.store.now()
  const name = passkeyName(made.name)
  const passkey = { ...checked, subject: owner.user.subject, name, createdAtMs: nowMs, usedAtMs: null }
  // One way more to sign in takes none away: nobody is signed out for it.
  const events = [ownEvent(server, owner, 'passkey_added', nowMs)]
  if ((await server.store.credentials.addPasskey(passkey, 'nothing', events)) !== 'done') return false
  tellOfChange(server, owner.user.subject, 'passkey_added')
  return true
}

/** This owner has no passkey of that id any more, also where that was so already. */
export async function removePasskey(server: AuthorizationServer, owner: Owner, id: string): Promise<void> {
  const { subject } = owner.user
  const events = [ownEvent(server, owner, 'passkey_removed', await server.store.now())]
  const ends = endsFor(server, owner.session)
  const outcome = await server.store.credentials.removePasskey({ id, subject }, ends, events)
  if (outcome === 'done') tellOfChange(server, subject, 'passkey_removed')
}

/** Whoever they were there is nobody here any more, also where that was so already. */
export async function disconnectUpstream(server: AuthorizationServer, owner: Owner, upstreamId: string): Promise<void> {
  const { subject } = owner.user
  const events = [ownEvent(server, owner, 'upstream_unlinked', await server.store.now())]
  const outcome = await server.store.upstreams.unlink({ upstreamId, subject }, endsFor(server, owner.session), events)
  if (outcome === 'done') tellOfChange(server, subject, 'upstream_unlinked')
}

function passkeyName(typed: string): string {
  const name = typed.replace(/\p{C}/gu, ' ').trim().slice(0, passkeyNameCharactersMax).toWellFormed()
  return name === '' ? 'Passkey' : name
}

function endsFor(server: AuthorizationServer, session: Session): Ends {
  return endsOf(server.rules.passwordChangeEnds, session.id)
}

function ownEvent(server: AuthorizationServer, owner: Owner, kind: EventKind, atMs: number) {
  const { user, session, caller } = owner
  return newEvent(kind, { subject: user.subject, sessionId: session.id, caller, atMs }, server.entropy)
}
