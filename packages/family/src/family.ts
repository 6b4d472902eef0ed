/**
 * The family: one chain of refresh tokens, one row. Everything a step may look at is here; nothing else is. The
 * authorization or device code is generation 0, the first refresh token is generation 1. A branch begins at generation 1.
 */

import { emptyUses } from './recent-uses.ts'

export type FamilyId = string & { readonly brand: 'FamilyId' }
export type GrantId = string & { readonly brand: 'GrantId' }
export type ClientId = string & { readonly brand: 'ClientId' }
export type Subject = string & { readonly brand: 'Subject' }
export type SessionId = string & { readonly brand: 'SessionId' }
/** Names one write of one row. The compare-and-set of every step stands on it. */
export type StepId = string & { readonly brand: 'StepId' }

/** A generation is stored and sent in four bytes. */
export const generationMax = 0xffff_ffff

/** What one user (or no user: client credentials) allowed one client, and until when. Never changes once opened. */
export interface Grant {
  readonly id: GrantId
  readonly clientId: ClientId
  /** Null for client credentials: the client acts for itself. */
  readonly subject: Subject | null
  readonly sessionId: SessionId | null
  /** True without `offline_access`: signing out ends it (OIDC Core §11). */
  readonly endsWithSession: boolean
  readonly scopes: readonly string[]
  /** Resource indicators (RFC 8707); empty when none was asked for. */
  readonly resources: readonly string[]
  /** The `claims` request parameter (OIDC Core §5.5), as the JSON text that was checked at the door, or null. */
  readonly claims: string | null
  /** Rich authorization requests (RFC 9396): what was granted, as the JSON text of the array, or null. */
  readonly authorizationDetails: string | null
  /** When the user proved who they are. User and session cut-offs compare with this. */
  readonly authTimeMs: number
  readonly acr: string | null
  readonly amr: readonly string[]
}

/** What the authorization code must be redeemed with (RFC 6749 §4.1.3, RFC 7636 §4.6). Null on a family without a code. */
export interface Redemption {
  /** The S256 challenge, or null where the client is registered with "PKCE or nonce" and sent a nonce. */
  readonly codeChallenge: string | null
  /** True when the challenge is that of a value the front channel showed, such as `state`: then it proves nothing. */
  readonly challengeIsGuessable: boolean
  readonly redirectUri: string
  /** False when the authorization request named no redirect URI: the token request may then leave it out. */
  readonly redirectUriSent: boolean
  readonly nonce: string | null
  /** The only DPoP key that may redeem it (RFC 9449 §10), or null for any and for none. */
  readonly dpopThumbprint: string | null
}

/** Whence a family was branched. Null on the one that its grant began with. */
export interface Branch {
  readonly parentFamilyId: FamilyId
  /** What its holder calls it, so that people can tell the families of one grant apart. */
  readonly name: string
}

/** The key a public client's family is tied to. Set when generation 1 is issued, never changed. */
export interface Binding {
  /** `instance`: the key that its maker attested for one instance of a client. */
  readonly kind: 'dpop' | 'certificate' | 'instance'
  /** SHA-256 thumbprint, base64url (RFC 9449 §6.1, RFC 8705 §3.1). */
  readonly thumbprint: string
}

/** Why a family is over. A closed list: there is no way back, and each has a sentence in `explain`. */
export type EndReason =
  | 'reuse'
  | 'revoked_by_client'
  | 'revoked_by_user'
  | 'revoked_by_operator'
  | 'logged_out'
  | 'code_expired'
  | 'idle_expired'
  | 'absolute_expired'
  | 'cut_off_everyone'
  | 'cut_off_client'
  | 'cut_off_user'
  | 'cut_off_session'
  | 'cut_off_grant'
  | 'cut_off_consent'
  | 'too_many_grants'

export interface End {
  readonly reason: EndReason
  readonly atMs: number
  /** Who or what ended it: a client id, an operator's name, `rule`. Never a secret. */
  readonly by: string
}

export interface Family {
  readonly id: FamilyId
  /** 32 random bytes of this row alone. Tag B of every token of the family is made with it. */
  readonly seed: Uint8Array
  /** The master key that tagged the current token; a repeat is minted under it. */
  readonly keyId: number
  readonly stepId: StepId
  readonly grant: Grant
  readonly redemption: Redemption | null
  /**
   * True where generation 0 is a device code: it repeats as a refresh token does, because RFC 8628 §3.5 tells devices to
   * ask again. An authorization code never gets a second answer.
   */
  readonly codeRepeats: boolean
  readonly branch: Branch | null
  readonly binding: Binding | null
  /** True when generation 1 was asked for with a retry key; then every later presentation needs one. */
  readonly keyed: boolean
  /** False when the client gets no refresh token: the row then only says whether its access token lives. */
  readonly refreshable: boolean
  readonly generation: number
  readonly rotatedAtMs: number
  readonly usedAtMs: number
  /** How often the predecessor was answered again in this generation. */
  readonly repeats: number
  readonly createdAtMs: number
  /** How long generation 0 waits to be redeemed. */
  readonly redeemSeconds: number
  readonly idleSeconds: number
  readonly absoluteExpiresAtMs: number
  /** The last eight uses, packed at fixed width (see `recent-uses.ts`). */
  readonly recentUses: Uint8Array
  readonly end: End | null
}

/** What whoever opens a family chooses; the rest begins the same for all. */
export type Opening = Pick<
  Family,
  | 'id'
  | 'seed'
  | 'keyId'
  | 'stepId'
  | 'grant'
  | 'redemption'
  | 'binding'
  | 'refreshable'
  | 'redeemSeconds'
  | 'idleSeconds'
  | 'absoluteExpiresAtMs'
> &
  Partial<Pick<Family, 'codeRepeats'>>

/** A new family in generation 0, awaiting redemption. */
export function openFamily(opening: Opening, nowMs: number): Family {
  return {
    codeRepeats: false,
    ...opening,
    branch: null,
    keyed: false,
    generation: 0,
    rotatedAtMs: nowMs,
    usedAtMs: nowMs,
    repeats: 0,
    createdAtMs: nowMs,
    recentUses: emptyUses(),
    end: null,
  }
}

/** What whoever branches a family chooses; everything else of the new one is the parent's. */
export type BranchOpening = Pick<Family, 'id' | 'seed' | 'keyId' | 'stepId' | 'binding' | 'keyed'> & {
  readonly name: string
  /** Within those of the parent (I7). */
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly authorizationDetails: string | null
}

/**
 * A sibling of this family under the same grant, in generation 1. It inherits the time of opening as well as that of the
 * sign-in, so that what cuts the parent off cuts it off too, and the absolute end, so that it never outlives the grant (I8).
 */
export function branchFamily(parent: Family, opening: BranchOpening, nowMs: number): Family {
  const { name, scopes, resources, authorizationDetails, ...others } = opening
  return {
    ...parent,
    ...others,
    grant: { ...parent.grant, scopes, resources, authorizationDetails },
    branch: { parentFamilyId: parent.id, name },
    redemption: null,
    codeRepeats: false,
    generation: 1,
    rotatedAtMs: nowMs,
    usedAtMs: nowMs,
    repeats: 0,
    recentUses: emptyUses(),
  }
}

/**
 * Ends a family. A family that has ended already keeps its first end: the same object comes back, so that the caller
 * sees there is nothing to save.
 */
export function endFamily(family: Family, reason: EndReason, by: string, nowMs: number): Family {
  if (family.end !== null) return family
  return { ...family, end: { reason, atMs: nowMs, by } }
}
