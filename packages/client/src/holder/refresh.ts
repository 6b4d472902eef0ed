/**
 * One refresh: under a lease, from what the store has at that moment, asked until the outcome is known or the time is up,
 * and stored before anybody gets to see it. The server decides what a token is worth; here is decided what to do with its
 * answer, and no answer but `invalid_grant` with nothing newer in the store ends a grant.
 */

import type { Answer, Ask, Exchange } from './ask.ts'
import { askUntilKnown } from './ask-until-known.ts'
import { type Prover, proverOf } from './dpop-proof.ts'
import { advancedGrant } from './grant-life.ts'
import type { Held } from './held.ts'
import type { TokenAnswer, Wanted } from './holder.ts'
import { type Inside, tellOutcome } from './inside.ts'
import { endRefused } from './end-refused.ts'
import { postpone, refuse } from './cooldown.ts'
import { saveAnswer } from './save-answer.ts'
import { type Kept, newVersion } from './vault.ts'

/** What a refresh is for. */
export interface Goal {
  /** Who has the same key shares one refresh. */
  readonly key: string
  readonly wanted: Wanted
  /** Whether what somebody else stored will do. */
  isMet(kept: Kept): boolean
  /** False of a renewal ahead of need: it leaves the field to whoever has the lease. */
  readonly waits: boolean
  readonly exchange:
    | (Exchange & {
        readonly parameters: { readonly [name: string]: string }
        taken(tokens: TokenAnswer): Promise<void>
      })
    | null
}

/**
 * Presents the refresh token of `kept`, under a lease, and answers the record that came of it, or `moved` when the record
 * has moved on and must be looked at again. Rejects with the failures of `failures.ts`.
 */
export async function refreshOnce(inside: Inside, held: Held, kept: Kept, goal: Goal): Promise<Kept | 'moved'> {
  const known = await askUntilKnown(inside, askOf(inside, held, kept, goal))
  if (known === 'late') return 'moved'
  const { answer, requests, wasUnknown } = known
  switch (answer.kind) {
    case 'answered':
      return takeAnswer(inside, held, { kept, goal, answer, requests, wasUnknown })
    case 'refused': {
      if (answer.code === 'invalid_grant' && goal.exchange === null) return endRefused(inside, held, kept, requests)
      // What is refused to an exchange says nothing of refreshes.
      throw refuse(inside, held, { code: answer.code, cause: answer.cause, requests, isAside: goal.exchange !== null })
    }
    case 'unknown':
      throw postpone(inside, held, { retryAfterMs: answer.retryAfterMs, cause: answer.cause, requests })
  }
}

interface Taken {
  readonly kept: Kept
  readonly goal: Goal
  readonly answer: Extract<Answer, { kind: 'answered' }>
  readonly requests: number
  readonly wasUnknown: boolean
}

async function takeAnswer(inside: Inside, held: Held, taken: Taken): Promise<Kept | 'moved'> {
  const { kept, goal, answer, requests, wasUnknown } = taken
  await goal.exchange?.taken(answer.tokens)
  // An exchange brings no access token that anybody uses: what it brings was taken above.
  const fault = goal.exchange === null ? answer.fault : null
  const tokens = fault === null && goal.exchange === null ? answer.tokens : refreshTokenOf(answer.tokens)
  const grant = advancedGrant(kept.grant, { tokens, wanted: goal.wanted, atMs: answer.atMs, skewMs: answer.skewMs })
  const saving = await saveAnswer(inside, held, { grant, version: newVersion(), dpopKey: kept.dpopKey }, kept.version)
  if (fault !== null) throw refuse(inside, held, { code: 'invalid_response', cause: fault, requests })
  held.cooldown = null
  switch (saving.kind) {
    case 'gone':
      return 'moved'
    case 'unsaved':
      tellOutcome(inside, held, 'unsaved', { requests, error: saving.error })
      return saving.kept
    case 'adopted':
      tellOutcome(inside, held, 'adopted', { requests })
      return goal.exchange !== null || goal.isMet(saving.kept) ? saving.kept : 'moved'
    case 'saved':
      tellOutcome(inside, held, wasUnknown ? 'recovered' : 'advanced', { requests })
      return saving.kept
  }
}

/** Of an answer that is no good only the refresh token is kept: the one before it is spent. */
function refreshTokenOf(tokens: TokenAnswer): TokenAnswer {
  const { access_token: _token, token_type: _type, expires_in: _seconds, ...rest } = tokens
  return rest
}

function askOf(inside: Inside, held: Held, kept: Kept, goal: Goal): Ask {
  const { grant } = kept
  const { resource, scope } = goal.wanted
  return {
    // A record without a refresh token never gets here: `obtain` refuses it.
    refreshToken: grant.refreshToken ?? '',
    retryKey: grant.retryKey,
    prover: proverFor(held, kept),
    skewMs: inside.skew.ms,
    requestSeconds: inside.limits.requestSeconds,
    exchange: goal.exchange,
    parameters: goal.exchange?.parameters ?? {
      ...(resource === undefined ? {} : { resource }),
      ...(scope === undefined ? {} : { scope }),
    },
  }
}

/** Makes the proofs of a grant, or null where it is bound to no key. */
export function proverFor(held: Held, { grant, dpopKey }: Kept): Prover | null {
  if (dpopKey === null) return null
  if (held.proving?.grantId === grant.grantId) return held.proving.prover
  const prover = proverOf(dpopKey)
  held.proving = { grantId: grant.grantId, prover }
  return prover
}
