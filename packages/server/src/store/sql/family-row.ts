/**
 * How a family becomes a row and a row a family; pure. What moves with every refresh is `step_id` and `state`, both of
 * fixed width, so a row keeps its size from the first refresh to the ten-thousandth. What never moves and is never
 * searched by is one JSON text, `opening`.
 */

import {
  type Binding,
  type Branch,
  type ClientId,
  type End,
  type EndReason,
  type Family,
  type FamilyId,
  type Grant,
  type GrantId,
  type Redemption,
  recentUsesBytes,
  type SessionId,
  type StepId,
  type Subject,
} from '@pawl/family'
import { bytesAt, numberAt, type Row, textAt, textOrNullAt, type Value } from './sql.ts'

/** The columns of `families`, in the order that `familyValues` writes and `familyOf` reads. */
export const familyColumns = [
  'id',
  'step_id',
  'state',
  'binding',
  'ended_ms',
  'end_reason',
  'end_by',
  'seed',
  'grant_id',
  'client_id',
  'subject',
  'session_id',
  'created_ms',
  'absolute_expires_ms',
  'refreshable',
  'redeem_seconds',
  'idle_seconds',
  'opening',
] as const

export const familyColumnsCount = familyColumns.length

/** keyed 1, key id 1, generation 4, rotated 6, used 6, repeats 2, then the ring of recent uses. */
const keyIdOffset = 1
const generationOffset = 2
const rotatedOffset = 6
const usedOffset = 12
const repeatsOffset = 18
const ringOffset = 20
export const stateBytes = ringOffset + recentUsesBytes

export function familyValues(family: Family): Value[] {
  const { grant, end } = family
  return [
    family.id,
    family.stepId,
    packState(family),
    bindingText(family.binding),
    end?.atMs ?? null,
    end?.reason ?? null,
    end?.by ?? null,
    family.seed,
    grant.id,
    grant.clientId,
    grant.subject,
    grant.sessionId,
    family.createdAtMs,
    family.absoluteExpiresAtMs,
    family.refreshable ? 1 : 0,
    family.redeemSeconds,
    family.idleSeconds,
    openingText(family),
  ]
}

export function familyOf(row: Row): Family {
  const state = bytesAt(row, 2)
  if (state.length !== stateBytes) throw new RangeError(`a family's state has ${state.length} bytes, not ${stateBytes}`)
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength)
  const terms = JSON.parse(textAt(row, 17)) as OpeningTerms
  return {
    id: textAt(row, 0) as FamilyId,
    seed: bytesAt(row, 7),
    keyId: view.getUint8(keyIdOffset),
    stepId: textAt(row, 1) as StepId,
    grant: {
      id: textAt(row, 8) as GrantId,
      clientId: textAt(row, 9) as ClientId,
      subject: textOrNullAt(row, 10) as Subject | null,
      sessionId: textOrNullAt(row, 11) as SessionId | null,
      endsWithSession: terms.endsWithSession,
      scopes: terms.scopes,
      resources: terms.resources,
      claims: terms.claims,
      authorizationDetails: terms.authorizationDetails ?? null,
      authTimeMs: terms.authTimeMs,
      acr: terms.acr,
      amr: terms.amr,
    },
    redemption: terms.redemption,
    codeRepeats: terms.codeRepeats === true,
    branch: terms.branch ?? null,
    binding: bindingOf(textOrNullAt(row, 3)),
    keyed: view.getUint8(0) === 1,
    refreshable: numberAt(row, 14) === 1,
    generation: view.getUint32(generationOffset),
    rotatedAtMs: getUint48(view, rotatedOffset),
    usedAtMs: getUint48(view, usedOffset),
    repeats: view.getUint16(repeatsOffset),
    createdAtMs: numberAt(row, 12),
    redeemSeconds: numberAt(row, 15),
    idleSeconds: numberAt(row, 16),
    absoluteExpiresAtMs: numberAt(row, 13),
    recentUses: state.subarray(ringOffset),
    end: endOf(row),
  }
}

/** Throws where a number does not fit its place: a row that cannot say what the family says must not be written. */
export function packState(family: Family): Uint8Array {
  const { keyId, generation, repeats, recentUses } = family
  if (!fits(keyId, 0xff)) throw new RangeError(`key id ${keyId} does not fit one byte`)
  if (!fits(generation, 0xffff_ffff)) throw new RangeError(`generation ${generation} does not fit four bytes`)
  if (!fits(repeats, 0xffff)) throw new RangeError(`${repeats} repeats do not fit two bytes`)
  if (recentUses.length !== recentUsesBytes) throw new RangeError(`a ring of ${recentUses.length} bytes`)
  // From Buffer's pool, which spares an allocation for each refresh; every byte is written below.
  const state = Buffer.allocUnsafe(stateBytes)
  const view = new DataView(state.buffer, state.byteOffset, stateBytes)
  view.setUint8(0, family.keyed ? 1 : 0)
  view.setUint8(keyIdOffset, keyId)
  view.setUint32(generationOffset, generation)
  setUint48(view, rotatedOffset, family.rotatedAtMs)
  setUint48(view, usedOffset, family.usedAtMs)
  view.setUint16(repeatsOffset, repeats)
  state.set(recentUses, ringOffset)
  return state
}

export function bindingText(binding: Binding | null): string | null {
  return binding === null ? null : `${binding.kind}:${binding.thumbprint}`
}

type OpeningTerms = Pick<
  Grant,
  'scopes' | 'resources' | 'claims' | 'authTimeMs' | 'acr' | 'amr' | 'endsWithSession'
> & {
  readonly redemption: Redemption | null
  /** From here on there only where it says something: the row of most families is as short as it was without. */
  readonly authorizationDetails?: string
  readonly codeRepeats?: true
  readonly branch?: Branch
}

/** Everything of the grant that has no column of its own, and what the code must be redeemed with. */
function openingText(family: Family): string {
  const { scopes, resources, claims, authorizationDetails, authTimeMs, acr, amr, endsWithSession } = family.grant
  const terms: OpeningTerms = {
    scopes,
    resources,
    claims,
    authTimeMs,
    acr,
    amr,
    endsWithSession,
    redemption: family.redemption,
    ...(authorizationDetails !== null && { authorizationDetails }),
    ...(family.codeRepeats && { codeRepeats: true as const }),
    ...(family.branch !== null && { branch: family.branch }),
  }
  return JSON.stringify(terms)
}

function bindingOf(text: string | null): Binding | null {
  if (text === null) return null
  const colon = text.indexOf(':')
  return { kind: text.slice(0, colon) as Binding['kind'], thumbprint: text.slice(colon + 1) }
}

function endOf(row: Row): End | null {
  if (row[4] === null) return null
  return { atMs: numberAt(row, 4), reason: textAt(row, 5) as EndReason, by: textAt(row, 6) }
}

function fits(number: number, max: number): boolean {
  return Number.isInteger(number) && number >= 0 && number <= max
}

function getUint48(view: DataView, offset: number): number {
  return view.getUint16(offset) * 0x1_0000_0000 + view.getUint32(offset + 2)
}

function setUint48(view: DataView, offset: number, value: number): void {
  if (!fits(value, 0xffff_ffff_ffff)) throw new RangeError(`instant ${value} does not fit six bytes`)
  view.setUint16(offset, Math.floor(value / 0x1_0000_0000))
  view.setUint32(offset + 2, value % 0x1_0000_0000)
}
