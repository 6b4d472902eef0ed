/** Tokens that open registration (RFC 7591 §1.2): an operator makes them, hands them out, and takes them back. */

import { parseScope } from '@pawl/protocol'
import { z } from 'zod'
import { clientKinds } from '../domain/client/client.ts'
import type { InitialAccessToken } from '../domain/registration/registration-store.ts'
import { isoInstant } from '../domain/time.ts'
import { userScopes } from '../domain/user/user-scopes.ts'
import { parseInput } from './client-input.ts'
import { partnerPattern } from './client-rules.ts'
import { AdminRefused, InputRefused, operatorEvent, type Workbench } from './workbench.ts'

export const registrationTokensMax = 1_000
export const registrationTokenUsesMax = 10_000
/** A year: a token that opens registration for good is one that nobody remembers. */
export const registrationTokenSecondsMax = 366 * 86_400
export const registrationTokenSecondsDefault = 7 * 86_400

/** A service acts without any person, so a token lets one in only where the operator says so. */
const kindsDefault = ['web', 'spa', 'native', 'device'] as const

const newTokenSchema = z.strictObject({
  name: z.string(),
  uses: z.int().default(1),
  kinds: z.array(z.enum(clientKinds)).default([...kindsDefault]),
  scopes: z
    .array(z.string().max(256))
    .max(100)
    .default([...userScopes]),
  partner: z.string().nullable().default(null),
  seconds: z.int().default(registrationTokenSecondsDefault),
})
export type NewTokenInput = z.input<typeof newTokenSchema>

export interface TokenWithSecret {
  readonly token: InitialAccessToken
  /** In the clear, this once. */
  readonly secret: string
}

/** Makes a token. Throws `InputRefused` with a sentence per mistake, `AdminRefused` where the name is taken. */
export async function addRegistrationToken(workbench: Workbench, input: NewTokenInput): Promise<TokenWithSecret> {
  const wanted = parseInput(newTokenSchema, input)
  const wrong = judgeToken(wanted)
  if (wrong.length > 0) throw new InputRefused(wrong)
  const { store, hasher } = workbench
  if ((await store.registrations.listTokens(registrationTokensMax)).length >= registrationTokensMax) {
    throw new AdminRefused(`There are ${registrationTokensMax} registration tokens already: revoke some first.`)
  }
  const nowMs = await store.now()
  const token: InitialAccessToken = {
    name: wanted.name,
    kinds: [...new Set(wanted.kinds)],
    scopes: [...new Set(wanted.scopes)],
    partner: wanted.partner,
    usesLeft: wanted.uses,
    expiresAtMs: nowMs + wanted.seconds * 1000,
    createdAtMs: nowMs,
  }
  const { secret, hash } = hasher.newSecret('initial_access_token')
  const detail = { name: token.name, uses: token.usesLeft }
  const event = operatorEvent(workbench, 'registration_token_added', { atMs: nowMs, detail })
  if ((await store.registrations.addToken(token, hash, [event])) === 'done') return { token, secret }
  throw new AdminRefused(`There is a registration token ${token.name} already: choose another name.`)
}

export async function listRegistrationTokens(workbench: Workbench): Promise<readonly InitialAccessToken[]> {
  return workbench.store.registrations.listTokens(registrationTokensMax)
}

/** The token opens nothing from now on. The clients that came by it stay; `revoke --partner` ends what they hold. */
export async function revokeRegistrationToken(workbench: Workbench, name: string): Promise<void> {
  const atMs = await workbench.store.now()
  const event = operatorEvent(workbench, 'registration_token_revoked', { atMs, detail: { name } })
  if ((await workbench.store.registrations.removeToken(name, [event])) === 'done') return
  throw new AdminRefused(`There is no registration token ${JSON.stringify(name.slice(0, 100))}.`)
}

export function registrationTokenJson(token: InitialAccessToken, secret: string | null = null) {
  return {
    name: token.name,
    ...(secret === null ? {} : { token: secret }),
    kinds: token.kinds,
    scope: token.scopes.join(' '),
    partner: token.partner,
    uses_left: token.usesLeft,
    expires_at: isoInstant(token.expiresAtMs),
  }
}

function judgeToken({ name, uses, kinds, scopes, partner, seconds }: z.infer<typeof newTokenSchema>): string[] {
  const wrong: string[] = []
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) {
    wrong.push('The name of a token has 1 to 100 letters, digits, dots, dashes and underscores.')
  }
  if (uses < 1 || uses > registrationTokenUsesMax) {
    wrong.push(`--uses is a whole number from 1 to ${registrationTokenUsesMax}.`)
  }
  if (kinds.length === 0) wrong.push('A token that lets no kind in opens nothing: name one with --kind.')
  for (const scope of scopes) {
    if (parseScope(scope)?.length !== 1) wrong.push(`${JSON.stringify(scope)} is not a scope (RFC 6749 §3.3).`)
  }
  if (partner !== null && !partnerPattern.test(partner)) {
    wrong.push('A partner is 1 to 100 letters, digits, dots, dashes and underscores.')
  }
  if (seconds < 1 || seconds > registrationTokenSecondsMax) {
    wrong.push(`--expires-seconds is a whole number from 1 to ${registrationTokenSecondsMax}.`)
  }
  return wrong
}
