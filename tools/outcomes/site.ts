/** Where a contender is tried: a server with somebody signed in to it, behind a network that fails when it is told to. */

import type { TokenAnswer } from '@pawl/client'
import type { FlakyNetwork } from '../../packages/client/src/testing/flaky-network.ts'
import type { MortalProcess } from '../../packages/client/src/testing/mortal-process.ts'
import type { VirtualClock } from '../../packages/client/src/testing/virtual-clock.ts'

export interface Site {
  readonly clock: VirtualClock
  readonly network: FlakyNetwork
  readonly issuer: string
  readonly clientId: string
  readonly accessSeconds: number
  /** What a sign-in brought. */
  readonly tokens: TokenAnswer
}

export interface SiteKind {
  readonly name: string
  /** One sentence for the document. */
  readonly about: string
  /** `isKeyed` for who asked for the tokens with a retry key, where the server knows such. */
  readonly open: (clock: VirtualClock, isKeyed: boolean) => Promise<Site>
  readonly close: () => Promise<void>
  /** The server's time never goes back. */
  readonly startsAtMs: () => number
}

/** What an ask comes to. Anything else, such as an error that says to try again, is a rejection. */
export type Asked = 'living token' | 'sign in'

export interface Contender {
  readonly name: string
  /** How it is used, and after which part of its documentation. */
  readonly about: string
  readonly usesRetryKeys: boolean
  /** The storage that all processes share, with the tokens of the site in it; answers how a process is opened on it. */
  readonly keep: (site: Site) => Promise<(process: MortalProcess) => () => Promise<Asked>>
}
