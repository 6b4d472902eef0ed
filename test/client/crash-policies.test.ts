/**
 * Servers of this world, which know no retry keys: a token is lost only where nothing that a client could have done would
 * have kept it, that is, where the server spent it, answers nobody twice, and the answer never came into the store.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import { SignInNeeded } from '@pawl/client'
import { crashMatrix } from '../../packages/client/src/testing/crash-matrix.ts'
import { type FlakyServer, flakyServer } from '../../packages/client/src/testing/flaky-server.ts'
import type { FlakyPolicyName } from '../../packages/client/src/testing/flaky-policy.ts'
import type { MortalProcess } from '../../packages/client/src/testing/mortal-process.ts'
import type { VirtualClock } from '../../packages/client/src/testing/virtual-clock.ts'
import { comesToItsOwn, grantName, type HolderWorld, openHolder, worldOf } from './holder-world.ts'
import { copied } from './thief-story.ts'

/** A lease of a process that is dead has run out. */
const restartMs = 31_000
const troubles = [
  { name: 'nothing else', effect: '', fate: 'happens' },
  { name: 'the answer is lost', effect: 'fetch token', fate: 'fails-after' },
  { name: 'the save fails before its commit', effect: 'store save', fate: 'fails-before' },
] as const

/** Which of them answer the same again to whom they answered before. */
const repeats: { readonly [policy in FlakyPolicyName]?: boolean } = {
  'no-rotation': true,
  rotation: false,
  grace: true,
  'reuse-revokes': false,
  dpop: true,
  'dpop-nonce': true,
  confidential: true,
}

interface World extends HolderWorld {
  readonly server: FlakyServer
}

for (const [policy, isRepeated] of Object.entries(repeats) as [FlakyPolicyName, boolean][]) {
  describe(`a refresh that is killed at every effect, at a server of the kind ${policy}`, () => {
    const kept = isRepeated ? 'loses nothing' : 'loses what nobody could have kept, and nothing else'
    it(`${kept}, and asks for nothing twice without need`, async () => {
      const report = await crashMatrix({
        newWorld: clock => newWorld(clock, policy),
        act: (world, process) => openHolder(world, process).accessToken(grantName),
        recover: (world, process) => recover(world, process, isRepeated),
        restartMs,
        troubles,
      })
      assert.deepEqual(report.failures, [])
      assert.equal('lost where nothing could keep it' in report.outcomes, !isRepeated)
    })
  })
}

async function newWorld(clock: VirtualClock, policy: FlakyPolicyName): Promise<World> {
  const secret = policy === 'confidential' ? 'a secret' : null
  const server = flakyServer({ clock, policy, clients: { app: secret } })
  const isBound = policy.startsWith('dpop')
  const dpopKey = isBound ? await clock.run(newKey()) : undefined
  const keyThumbprint =
    dpopKey && (await clock.run(exportJWK(dpopKey.publicKey).then(jwk => calculateJwkThumbprint(jwk))))
  const tokens = server.signIn(keyThumbprint === undefined ? {} : { keyThumbprint })
  const place = { issuer: server.issuer, network: server, clientId: 'app', secret, accessSeconds: 600 }
  return { ...(await worldOf(clock, place, { tokens, ...(dpopKey && { dpopKey }) })), server }
}

function newKey(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
}

async function recover(world: World, process: MortalProcess, isRepeated: boolean): Promise<string> {
  const { refreshToken } = await copied(world)
  const canBeKept = isRepeated || (refreshToken !== null && world.server.isCurrent(refreshToken))
  if (canBeKept) return comesToItsOwn(world, process)
  await assert.rejects(comesToItsOwn(world, process), SignInNeeded)
  return 'lost where nothing could keep it'
}
