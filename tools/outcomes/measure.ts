/** One cell of the table: a contender at a site while a row happens to it, and what is left of its grant. */

import type { Fetch } from '@pawl/client'
import { type VirtualClock, virtualClock } from '../../packages/client/src/testing/virtual-clock.ts'
import { type Row, untouched } from './rows.ts'
import type { Asked, Contender, SiteKind } from './site.ts'

export interface Measured {
  readonly isKept: boolean
  /** Calls that failed though the same call works a little later. */
  readonly failures: number
  /** Calls that sent the person to sign in though the token was good. */
  readonly needlessSignIns: number
  /** Refreshes until everybody had a living token: one would do. */
  readonly requests: number
}

const minuteMs = 60_000
/** A person tries again so often, a minute apart. */
const triesMax = 3

export async function measure(contender: Contender, kind: SiteKind, row: Row): Promise<Measured> {
  const clock = virtualClock(kind.startsAtMs())
  const platform = standInFor(clock)
  try {
    const site = await kind.open(clock, contender.usesRetryKeys)
    platform.useFetch(site.network.fetch)
    const open = await contender.keep(site)
    await clock.advance(site.accessSeconds * 1000)
    const before = site.network.refreshes()
    const seen = [...(await row.play({ site, open }))]
    site.network.heal()
    const asking = open(untouched(site))
    let last: PromiseSettledResult<Asked> | undefined
    for (let tries = 0; tries < triesMax && !isLiving(last); tries++) {
      if (tries > 0) await clock.advance(minuteMs)
      ;[last] = await clock.run(Promise.allSettled([asking()]))
      if (last !== undefined) seen.push(last)
    }
    const requests = site.network.refreshes() - before
    await clock.advance(site.accessSeconds * 1000)
    const [after] = await clock.run(Promise.allSettled([asking()]))
    const isKept = isLiving(last) && isLiving(after)
    return {
      isKept,
      requests,
      failures: seen.filter(({ status }) => status === 'rejected').length,
      needlessSignIns: isKept ? seen.filter(each => each.status === 'fulfilled' && each.value === 'sign in').length : 0,
    }
  } finally {
    platform.restore()
  }
}

function isLiving(outcome: PromiseSettledResult<Asked> | undefined): boolean {
  return outcome?.status === 'fulfilled' && outcome.value === 'living token'
}

interface Platform {
  readonly useFetch: (fetch: Fetch) => void
  readonly restore: () => void
}

/**
 * Libraries that can be given neither a clock nor a fetch take them from the platform: these, for one cell. Intervals are
 * for pages that stay open; with the page they end.
 */
function standInFor(clock: VirtualClock): Platform {
  const [platformNow, platformFetch, platformInterval] = [Date.now, globalThis.fetch, globalThis.setInterval]
  const intervals: NodeJS.Timeout[] = []
  Date.now = clock.nowMs
  globalThis.setInterval = Object.assign((...given: Parameters<typeof platformInterval>) => {
    const interval = platformInterval(...given)
    intervals.push(interval)
    return interval
  }, platformInterval)
  return {
    useFetch: fetch => {
      globalThis.fetch = (url, init) => fetch(url instanceof Request ? url.url : String(url), init ?? {})
    },
    restore: () => {
      for (const interval of intervals) clearInterval(interval)
      Date.now = platformNow
      globalThis.fetch = platformFetch
      globalThis.setInterval = platformInterval
    },
  }
}
