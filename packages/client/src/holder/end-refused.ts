/**
 * The server says `invalid_grant`. Either somebody who shares the store has refreshed, and there is something newer in it;
 * or the grant is over. Then the token in hand is revoked, for the one reason it can be refused and yet belong to a living
 * family is that the store was copied and the copy moved on: this ends the thief. Then it is ended here.
 */

import { SignInNeeded } from './failures.ts'
import { endedGrant, reasonOfRefusal } from './grant-life.ts'
import type { Held } from './held.ts'
import { type Inside, issuerNowMs, note, reread, tellOutcome } from './inside.ts'
import { revokeToken } from './revoke.ts'
import { type Kept, newVersion } from './vault.ts'

/** Answers `moved` when there is something newer in the store; else rejects with `SignInNeeded`, once the grant is ended. */
export async function endRefused(inside: Inside, held: Held, presented: Kept, requests: number): Promise<'moved'> {
  const there = await reread(inside, held)
  if (there === null || there.grant.end !== null || !isPresented(there, presented)) return 'moved'
  const nowMs = issuerNowMs(inside)
  const reason = reasonOfRefusal(presented.grant, nowMs)
  const { refreshToken } = presented.grant
  if (reason === 'refused' && refreshToken !== null) await revokeToken(inside, refreshToken)
  const ended: Kept = { grant: endedGrant(there.grant, reason, nowMs), version: newVersion(), dpopKey: null }
  try {
    const saved = await inside.vault.save(held.name, ended, there.version)
    if (saved === null) return 'moved'
    note(inside, held, saved)
  } catch (error) {
    // It is over all the same: whoever loads the dead token hears so from the server.
    inside.tell({ kind: 'trouble', grant: held.name, error })
  }
  tellOutcome(inside, held, `ended:${reason}`, { requests })
  throw new SignInNeeded(held.name, reason)
}

function isPresented(there: Kept, presented: Kept): boolean {
  return there.grant.grantId === presented.grant.grantId && there.grant.refreshToken === presented.grant.refreshToken
}
