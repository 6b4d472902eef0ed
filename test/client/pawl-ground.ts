/**
 * Pawl in this process, strict: no repeat window, so that nothing but a retry key, a DPoP key or the client's own
 * authentication lets anybody repeat. People sign in to it again and again, for one run after the other.
 */

import type { Custody } from '../../packages/client/src/holder/holder.ts'
import { beginSignIn, finishSignIn } from '../../packages/client/src/sign-in/sign-in.ts'
import type { VirtualClock } from '../../packages/client/src/testing/virtual-clock.ts'
import { agree } from '../stage/app.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import { openScene, phone, type Scene, shop } from '../stage/scene.ts'
import { stageStartsAtMs } from '../stage/stage.ts'
import { type HolderWorld, type Server, worldOf } from './holder-world.ts'
import { custodyFor, networkTo } from './sign-in-ground.ts'

const strict = { repeatSeconds: 0 }

export const pawlClients = {
  /** Public and unbound: the retry key alone. */
  bearer: { ...phone, ...strict },
  dpop: { ...phone, ...strict, dpopBoundAccessTokens: true },
  branching: { ...phone, ...strict, exchange: 'branching' },
  confidential: { ...shop, ...strict, firstParty: true },
} as const
export type PawlClient = keyof typeof pawlClients

export interface PawlGround extends Scene {
  /** Somebody signs in, the tokens are kept, and the access token runs out. */
  world(clock: VirtualClock): Promise<HolderWorld>
  /** Where the next run begins: the server's time never goes back. */
  nextStartMs(): number
}

const accessSeconds = 600

export async function openPawlGround(lifetime: Lifetime, client: PawlClient): Promise<PawlGround> {
  const scene = await openScene(lifetime, { client: pawlClients[client], seed: `crash ${client}` })
  const { stage, registered } = scene
  return {
    ...scene,
    nextStartMs: () => Math.max(stageStartsAtMs, stage.clock.nowMs()),
    world: async clock => {
      const network = networkTo(stage, clock)
      stage.clock.set(clock.nowMs())
      const custody = await custodyFor(stage.issuer, registered, { clock, network })
      const fresh = await signIn(scene, custody, clock, client === 'dpop')
      const {
        client: { id },
        secret,
      } = registered
      const server: Server = { issuer: stage.issuer, network, clientId: id, secret, accessSeconds }
      return worldOf(clock, server, fresh)
    },
  }
}

async function signIn({ browser, registered }: Scene, custody: Custody, clock: VirtualClock, useDpop: boolean) {
  const redirectUri = registered.client.redirectUris[0] ?? 'https://none.example/cb'
  const wishes = { redirectUri, scope: 'openid offline_access', useDpop }
  const { url, transaction } = await clock.run(beginSignIn(custody, wishes))
  const { pathname, search } = new URL(url)
  const back = await agree(browser, await browser.open(pathname + search))
  return clock.run(finishSignIn(custody, transaction, back))
}
