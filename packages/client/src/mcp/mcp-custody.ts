/**
 * Custody for clients of the Model Context Protocol. The TypeScript SDK refreshes and saves by itself: two processes spend
 * each other's refresh token, a lost answer or a failed save signs people out, and a server that names another
 * authorization server is followed. Here the SDK does what it is good at (finding the way, registering, sending a person
 * to sign in) and never sees a refresh token: the holder has it, and any number of processes share it.
 */

import type { AccessToken, GrantView } from '../holder/holder.ts'
import { answerAttempt } from './attempts.ts'
import { noConnection } from './connection.ts'
import { currentToken, endTurn } from './current-token.ts'
import { groundOf, holderOf, type McpOptions } from './ground.ts'
import { mcpFetch } from './mcp-fetch.ts'
import { providerOf } from './provider.ts'
import type { McpProvider, SdkFetch } from './sdk.ts'

export interface McpCustody {
  /** For the transport's `authProvider`: an `OAuthClientProvider` of the SDK. */
  readonly provider: McpProvider
  /** For the transport's `fetch`. Without it a 401 sends the person to the browser, and a lost redemption is lost. */
  readonly fetch: SdkFetch
  /**
   * The code out of the address that the person came back to, for `transport.finishAuth`. Rejects with `SignInRefused`
   * when the server or the person said no, and with `SignInFailed` when it is no answer to a sign-in of ours.
   */
  codeFrom(callback: string | URL): Promise<string>
  /**
   * A living access token for use beside the SDK, or null where somebody must sign in. Rejects with `RefreshPostponed`,
   * `RefreshRefused` or `CustodyFailed`.
   */
  accessToken(): Promise<AccessToken | null>
  /** What is known of the grant, or null. Never a token. */
  look(): Promise<GrantView | null>
  /** Revokes the grant at its server and removes it; every process sees it at its next request. */
  signOut(): Promise<'revoked' | 'unreachable' | 'absent'>
  /** The same, and forgets the client and the authorization server, so that another one may be followed. */
  forget(): Promise<'revoked' | 'unreachable' | 'absent'>
  /** Waits for refreshes that were sent. The store stays open. */
  close(): Promise<void>
}

/**
 * Asks nobody for anything until the SDK does. Any number of these, in any number of processes, share one name. Throws a
 * `RangeError` for a name that is too long.
 */
export function mcpCustody(options: McpOptions): McpCustody {
  const ground = groundOf(options)
  const { record, holders } = ground
  const signOut = async () => {
    const { current } = await record.read()
    if (current === null) return 'absent'
    const outcome = await holderOf(ground, current).end(current.grant)
    await record.change(connection =>
      connection.current?.grant === current.grant ? { ...connection, current: null } : connection,
    )
    return outcome
  }
  return {
    provider: providerOf(ground),
    fetch: mcpFetch(ground),
    codeFrom: async callback => answerAttempt(ground, new URL(callback)),
    accessToken: () => currentToken(ground),
    async look() {
      const { current } = await record.read()
      return current === null ? null : holderOf(ground, current).look(current.grant)
    },
    signOut,
    async forget() {
      const outcome = await signOut()
      await record.change(() => noConnection)
      return outcome
    },
    async close() {
      await endTurn(ground)
      await Promise.all([...holders.values()].map(holder => holder.close()))
    },
  }
}
