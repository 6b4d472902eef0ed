/** One store, one flaky server and any number of holders, for the tests of this folder. */

import { custodyKeyFrom } from '../custody/custody-key.ts'
import type { CustodyStore } from '../custody/custody-store.ts'
import { memoryStore } from '../stores/memory.ts'
import type { FlakyPolicy, FlakyPolicyName } from '../testing/flaky-policy.ts'
import { type FlakyServer, flakyServer } from '../testing/flaky-server.ts'
import { seededChance } from '../testing/seeded-chance.ts'
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.ts'
import { holdGrants } from './hold-grants.ts'
import type { Holder, HolderEvent, HolderOptions } from './holder.ts'

export interface Ground {
  readonly clock: VirtualClock
  readonly server: FlakyServer
  readonly store: CustodyStore
  /** Of all holders, in the order they came. */
  readonly events: HolderEvent[]
  /** Another process or tab over the same store. */
  holder(changes?: Partial<HolderOptions>): Holder
  /** Outcomes of refreshes so far. */
  outcomes(): readonly string[]
}

export const grant = 'ada'

/** A server of `policy`, with nothing kept yet. */
export function ground(
  policy: FlakyPolicyName | FlakyPolicy = 'retry-keys',
  over?: (store: CustodyStore) => CustodyStore,
): Ground {
  const clock = virtualClock()
  const server = flakyServer({ clock, policy })
  const memory = memoryStore(clock)
  const store = over?.(memory) ?? memory
  const events: HolderEvent[] = []
  const chance = seededChance('ground')
  const key = custodyKeyFrom(new Uint8Array(32).fill(7))
  return {
    clock,
    server,
    store,
    events,
    holder: changes =>
      holdGrants({
        server: server.issuer,
        client: { client_id: 'app' },
        store,
        custodyKey: {
          seal: async (text, place) => (await key).seal(text, place),
          open: async (sealed, place) => (await key).open(sealed, place),
          retryKeyFor: async credential => (await key).retryKeyFor(credential),
        },
        fetch: server.fetch,
        clock,
        chance: chance.next,
        onEvent: event => events.push(event),
        ...changes,
      }),
    outcomes: () => events.flatMap(event => (event.kind === 'refresh' ? [event.outcome] : [])),
  }
}

/** The same, with a grant kept whose access token is over. */
export async function expiredGround(...made: Parameters<typeof ground>): Promise<Ground & { readonly first: Holder }> {
  const begun = ground(...made)
  const first = begun.holder()
  await begun.clock.run(
    first.keep(grant, { tokens: begun.server.signIn({ isKeyed: made[0] === undefined || made[0] === 'retry-keys' }) }),
  )
  await begun.clock.advance(accessSeconds * 1000)
  return { ...begun, first }
}

/** What `flakyServer` gives an access token. */
export const accessSeconds = 600

/** How it came out, so that a test can name it. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'ok'
  } catch (error) {
    return error instanceof Error ? error.name : String(error)
  }
}
