/** The beginning and the deliberate end of a grant. */

import { encodeBase64Url } from '../custody/custody-key.ts'
import { drawBytes } from '../custody/entropy.ts'
import { CustodyFailed } from './custody-failed.ts'
import { bornGrant } from './grant-life.ts'
import type { Held } from './held.ts'
import type { FreshGrant } from './holder.ts'
import { type Inside, issuerNowMs, note } from './inside.ts'
import { turnsMax } from './limits.ts'
import { revokeToken } from './revoke.ts'
import { issuerOf } from './server.ts'
import { type Kept, newVersion } from './vault.ts'

const grantIdBytes = 16

/** See `Holder.keep`. */
export async function keepFresh(inside: Inside, held: Held, fresh: FreshGrant): Promise<Kept> {
  const { custody } = inside
  if (fresh.tokens.access_token === undefined && fresh.tokens.refresh_token === undefined) {
    throw new TypeError('there is neither an access token nor a refresh token to keep')
  }
  const issuer = issuerOf(custody)
  if (fresh.issuer !== undefined && issuerOf({ server: fresh.issuer }) !== issuer) {
    throw new TypeError('these tokens are of another server than this holder')
  }
  if (fresh.skewMs !== undefined) Object.assign(inside.skew, { ms: fresh.skewMs, isMeasured: true })
  const grant = bornGrant(fresh, {
    issuer,
    clientId: custody.client.client_id,
    grantId: encodeBase64Url(drawBytes(grantIdBytes)),
    atMs: issuerNowMs(inside),
    skewMs: inside.skew.ms,
  })
  const kept: Kept = { grant, version: newVersion(), dpopKey: fresh.dpopKey ?? null }
  for (let turn = 0; turn < turnsMax; turn++) {
    const before = await beforeOf(inside, held)
    const saved = await inside.vault.save(held.name, kept, before.version)
    if (saved === null) continue
    revokeReplaced(inside, held, before.kept)
    held.cooldown = null
    note(inside, held, saved)
    inside.tell({ kind: 'kept', grant: held.name })
    return saved
  }
  throw new CustodyFailed(held.name, 'moved each time it was to be saved')
}

/** What is there, if it opens: a sign-in mends a record that does not. */
async function beforeOf(
  inside: Inside,
  held: Held,
): Promise<{ readonly version: string | null; readonly kept: Kept | null }> {
  const version = await inside.vault.versionOf(held.name)
  if (version === null) return { version, kept: null }
  try {
    const kept = await inside.vault.load(held.name)
    return { version: kept?.version ?? null, kept }
  } catch (error) {
    inside.tell({ kind: 'trouble', grant: held.name, error })
    return { version, kept: null }
  }
}

/** The grant that was there and what could not be stored of it live on at the server unless they are ended. */
function revokeReplaced(inside: Inside, held: Held, before: Kept | null): void {
  const tokens = [before?.grant.refreshToken, held.unsaved?.kept.grant.refreshToken]
  held.unsaved = null
  for (const token of tokens) {
    if (token !== undefined && token !== null) inside.inBackground(held.name, revokeToken(inside, token))
  }
}

/** See `Holder.end`. */
export async function endGrant(inside: Inside, held: Held): Promise<'revoked' | 'unreachable' | 'absent'> {
  const unsaved = held.unsaved?.kept.grant
  held.unsaved = null
  let isRevoked =
    unsaved === undefined || unsaved.refreshToken === null || (await revokeToken(inside, unsaved.refreshToken))
  let isKnown = unsaved !== undefined
  let grantId = unsaved?.grantId ?? null
  for (let turn = 0; turn < turnsMax; turn++) {
    const kept = await inside.vault.load(held.name)
    // Somebody signed in anew meanwhile: that is not what was to be ended.
    if (kept === null || (grantId !== null && kept.grant.grantId !== grantId)) break
    grantId = kept.grant.grantId
    isKnown = true
    const { refreshToken } = kept.grant
    if (refreshToken !== null) isRevoked = (await revokeToken(inside, refreshToken)) && isRevoked
    if (!(await inside.vault.remove(held.name, kept.version))) continue
    note(inside, held, null)
    inside.tell({ kind: 'ended', grant: held.name })
    break
  }
  held.cooldown = null
  if (!isKnown) return 'absent'
  return isRevoked ? 'revoked' : 'unreachable'
}
