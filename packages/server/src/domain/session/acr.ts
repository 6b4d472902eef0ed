/**
 * How surely somebody was recognised. A level is the `acr` of OIDC Core §2; the ways it was reached are the `amr` of
 * RFC 8176. Levels have an order: whoever has shown more has shown what less asks for.
 *
 * `phr` is registered (OpenID Extended Authentication Profile ACR Values §2: phishing-resistant). Its stronger sibling
 * `phrh` speaks of keys that hardware protects; nobody here can know that without attestation, so it is never said.
 */

/** One factor: a password. */
export const passwordAcr = 'urn:pawl:acr:pwd'
/** One factor: another OpenID provider said who it is. */
export const federatedAcr = 'urn:pawl:acr:federated'
/** A password and something the person has. */
export const twoFactorAcr = 'urn:pawl:acr:mfa'
/** A passkey that verified its user: bound to this origin, so that no other site can ask for it. */
export const phishingResistantAcr = 'phr'

/** Every level there is, the weakest first. */
export const acrs = [federatedAcr, passwordAcr, twoFactorAcr, phishingResistantAcr] as const
export type Acr = (typeof acrs)[number]

const strengths: { readonly [acr in Acr]: number } = {
  [federatedAcr]: 1,
  [passwordAcr]: 1,
  [twoFactorAcr]: 2,
  [phishingResistantAcr]: 3,
}

/** What a way to sign in has shown. */
export interface Shown {
  readonly acr: Acr
  readonly amr: readonly string[]
}

export const shownByPassword: Shown = { acr: passwordAcr, amr: ['pwd'] }
/** `pop` leaves open what keeps the key; `user` is the touch, `mfa` that the passkey checked a PIN or a finger too. */
export const shownByPasskey: Shown = { acr: phishingResistantAcr, amr: ['pop', 'user', 'mfa'] }
/** How the other provider recognised the person is its own word and not ours to repeat. */
export const shownByUpstream: Shown = { acr: federatedAcr, amr: [] }

/** What a request asks of the sign-in. */
export interface WantedAcr {
  /** In the order of preference (OIDC Core §3.1.2.1), only what can be reached here at all; never empty. */
  readonly values: readonly Acr[]
  /** True: less is no answer (OIDC Core §5.5.1.1). False: the best there is will do. */
  readonly essential: boolean
}

/** Of what was asked for, what can be reached here at all; null where that is nothing. */
export function wantedAcr(values: readonly string[], essential: boolean): WantedAcr | null {
  const known = [...new Set(values.filter(isAcr))]
  return known.length === 0 ? null : { values: known, essential }
}

export function isAcr(text: string): text is Acr {
  return Object.hasOwn(strengths, text)
}

/** True where `acr` is what is wanted, or stronger. One factor never stands for another. */
export function satisfies(acr: string, wanted: Acr): boolean {
  if (acr === wanted) return true
  return isAcr(acr) && strengths[acr] > strengths[wanted]
}

export function satisfiesAny(acr: string, wanted: readonly Acr[]): boolean {
  return wanted.some(one => satisfies(acr, one))
}

/**
 * The level a grant is told to have: of what was asked for, the first that was reached, because whoever asked compares
 * texts (RFC 9470 §3); else what was reached.
 */
export function acrToTell(acr: string, wanted: WantedAcr | null): string {
  return wanted?.values.find(one => satisfies(acr, one)) ?? acr
}

/**
 * A second factor on top of what was shown before, in this sign-in or in the session that is being raised. A recovery
 * code has no value of its own in RFC 8176: that there were two factors is all that can be said of it.
 */
export function withSecondFactor(before: readonly string[], by: 'code' | 'recovery_code'): Shown {
  const added = by === 'code' ? ['otp', 'mfa'] : ['mfa']
  return { acr: twoFactorAcr, amr: [...new Set([...before, ...added])] }
}

/** What a person can show besides a password. */
export interface Offers {
  /** A one-time code, or a recovery code in its place. */
  readonly code: boolean
  readonly passkey: boolean
}

/** What of `offers` leads from `acr` to something that is wanted: null where there is no such way. */
export function waysToRaise(acr: string, wanted: WantedAcr, offers: Offers): Offers | null {
  const code = offers.code && !satisfies(acr, twoFactorAcr) && satisfiesAny(twoFactorAcr, wanted.values)
  const passkey = offers.passkey && satisfiesAny(phishingResistantAcr, wanted.values)
  return code || passkey ? { code, passkey } : null
}
