/** One holder for each session that is in use in this process: its custody key is the cookie's. */

import { type Custody, type Holder, holdGrants, SignInNeeded } from '@pawl/client'
import { serverOf } from '@pawl/client/server'
import type { Settings } from './bff-options.ts'
import type { CookieParts } from './browser-session.ts'

/** So many sessions are remembered by one process; another one costs a look into the store. */
export const holdersMax = 10_000

export interface Holders {
  of(parts: CookieParts): Promise<Holder>
  forget(id: string): void
  close(): Promise<void>
}

export function sessionHolders(settings: Settings, custody: Custody): Holders {
  const server = serverOf(custody)
  const holders = new Map<string, Holder>()
  const forget = (id: string) => {
    const found = holders.get(id)
    holders.delete(id)
    found?.close().catch((error: unknown) => settings.tell({ kind: 'trouble', error }))
  }
  return {
    async of({ id, key }) {
      const found = holders.get(id) ?? newHolder(settings, await server(), key)
      holders.delete(id)
      holders.set(id, found)
      const [oldest] = holders.keys()
      if (holders.size > holdersMax && oldest !== undefined) forget(oldest)
      return found
    },
    forget,
    close: async () => {
      await Promise.all([...holders.values()].map(each => each.close()))
      holders.clear()
    },
  }
}

function newHolder(settings: Settings, server: Custody['server'], custodyKey: Custody['custodyKey']): Holder {
  const { given, store, client, absoluteSeconds } = settings
  const { authentication, fetch, clock, chance, limits } = given
  return holdGrants({
    server,
    client,
    store,
    custodyKey,
    keepSeconds: absoluteSeconds,
    authentication,
    ...(fetch === undefined ? {} : { fetch }),
    ...(clock === undefined ? {} : { clock }),
    ...(chance === undefined ? {} : { chance }),
    ...(limits === undefined ? {} : { limits }),
    onEvent: event => {
      if (event.kind === 'trouble') settings.tell({ kind: 'trouble', error: event.error })
      if (event.kind === 'refresh' && event.error !== undefined && !(event.error instanceof SignInNeeded)) {
        settings.tell({ kind: 'trouble', error: event.error })
      }
    },
  })
}
