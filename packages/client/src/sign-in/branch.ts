/**
 * Branching at Pawl (docs/protocol.md, "Token exchange"): out of a kept grant comes a second one under the same consent,
 * with refresh tokens of its own, for a process, agent or machine that shares no store with the first.
 *
 * The branch is stored before the parent's next refresh token is, and the same call gets the same branch until then. So
 * a crash anywhere in between loses neither: the parent's old token is answered with the same next one.
 */

import { RefreshRefused } from '../holder/failures.ts'
import type { FreshGrant, Holder, TokenAnswer } from '../holder/holder.ts'

export interface BranchWishes {
  /** 1 to 64 characters that tell people which one it is. One for each process: two that share one, share a branch. */
  readonly branchName: string
  /**
   * Stores the branch: `fresh => other.keep('agent', fresh)`, or hands it to whoever will. When it rejects, nothing has
   * happened, and the same call gets the same branch again.
   */
  readonly keep: (fresh: FreshGrant) => Promise<unknown>
  /** Less than the grant, for good. */
  readonly scope?: string
  readonly resource?: string
  /** Of a public client: a key of the branch's own, where the parent's is not to be handed on. */
  readonly dpopKey?: ProvingKey
}

/** With its thumbprint (RFC 7638), because only that is sent. */
export interface ProvingKey {
  readonly pair: CryptoKeyPair
  readonly thumbprint: string
}

export const branchGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const refreshTokenType = 'urn:ietf:params:oauth:token-type:refresh_token'

/**
 * Resolves once branch and parent are stored. Rejects like `holder.accessToken`, with `RefreshRefused` when the server
 * opens no branch: the parent goes on.
 */
export async function branchGrant(
  holder: Pick<Holder, 'accessToken' | 'exchange' | 'look'>,
  grant: string,
  wishes: BranchWishes,
): Promise<void> {
  const { branchName, keep, scope, resource, dpopKey } = wishes
  // The branch of a bound grant is bound to the same key, unless it has its own.
  const pair = dpopKey?.pair ?? (await holder.accessToken(grant)).dpopKey
  const { subject = null, sessionId = null } = (await holder.look(grant)) ?? {}
  const person = {
    ...(subject === null ? {} : { subject }),
    ...(sessionId === null ? {} : { sessionId }),
    ...(pair === null ? {} : { dpopKey: pair }),
  }
  const parameters = {
    subject_token_type: refreshTokenType,
    requested_token_type: refreshTokenType,
    branch_name: branchName,
    ...(scope === undefined ? {} : { scope }),
    ...(resource === undefined ? {} : { resource }),
    ...(dpopKey === undefined ? {} : { dpop_jkt: dpopKey.thumbprint }),
  }
  let isTaken = false
  await holder.exchange(grant, { grantType: branchGrantType, parameters }, async answer => {
    isTaken = true
    await keep({ tokens: branchTokensOf(grant, answer), ...person })
  })
  if (!isTaken) throw new TypeError(`the branch '${branchName}' is being opened by another call`)
}

/** The branch's refresh token comes as `access_token` (RFC 8693 §2.2.1); the first access token is still to be asked for. */
function branchTokensOf(grant: string, answer: TokenAnswer & { readonly issued_token_type?: unknown }): TokenAnswer {
  const { access_token: token, issued_token_type: type, scope, expires_in: seconds } = answer
  if (token === undefined || type !== refreshTokenType) throw new RefreshRefused(grant, 'invalid_response')
  return {
    refresh_token: token,
    ...(scope === undefined ? {} : { scope }),
    ...(seconds === undefined ? {} : { refresh_token_timeout: seconds }),
    ...(answer.authorization_expires_in === undefined
      ? {}
      : { authorization_expires_in: answer.authorization_expires_in }),
  }
}
