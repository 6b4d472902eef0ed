/** Whatever races with a revocation, an API that has read the feed refuses exactly what introspection calls inactive. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { carryOut, planRevocation, type RevocationInput } from '../packages/server/src/admin/revoke.ts'
import { lookEveryMs } from '../packages/server/src/domain/revocation/watched-line.ts'
import type { App, Tokens } from './stage/app.ts'
import { branch } from './stage/exchange.ts'
import { type FeedReader, feedReader } from './stage/feed-reader.ts'
import { familyIdOf, openScene, type Scene } from './stage/scene.ts'
import { seededEntropy } from './stage/stage.ts'

const shop = { id: 'shop', kind: 'web', redirectUris: ['https://shop.example/cb'], exchange: 'branching' }
const people = ['ada@example.com', 'bob@example.com', 'cat@example.com']
const familiesEach = 4
/** Beyond some hundred inactive tokens introspection answers later and later. */
const roundsMax = 30
const seeds = ['one', 'two', 'three', 'four']

interface Race extends Scene {
  readonly reader: FeedReader
  /** Every access token that anybody ever got. */
  readonly issued: string[]
  readonly draw: (below: number) => number
  isOver: boolean
}

async function race(
  test: TestContext,
  seed: string,
): Promise<{ readonly held: readonly Tokens[]; readonly run: Race }> {
  const scene = await openScene(test, { client: shop, seed })
  const { stage, app } = scene
  const api = await stage.addClient({ id: 'api', kind: 'service', audiences: ['https://api.example/'] })
  const held: Tokens[] = []
  for (const [place, email] of people.entries()) {
    if (place > 0) await stage.addUser(email)
    const browser = stage.browser(`198.51.100.${20 + place}`)
    await browser.signIn(await browser.open('/account'), email)
    for (let count = 0; count < familiesEach; count++) held.push(await app.signIn(browser))
  }
  const entropy = seededEntropy(`race ${seed}`)
  const draw = (below: number): number => (entropy.bytes(1)[0] ?? 0) % below
  const issued = held.map(({ accessToken }) => accessToken)
  return { held, run: { ...scene, reader: feedReader(stage.app(api)), issued, draw, isOver: false } }
}

/** Refreshes, and branches now and then, until it is refused or the race is over. */
async function refreshOn(run: Race, app: App, first: Tokens): Promise<void> {
  let current = first.refreshToken
  for (let round = 0; !run.isOver && round < roundsMax; round++) {
    const answer =
      run.draw(6) === 0 ? (await branch(app, current, { branch_name: `b${round}` })).parent : await app.refresh(current)
    if (answer.status !== 200) return
    current = answer.refreshToken
    // Of a branch the access token's place holds a refresh token.
    if (answer.accessToken.startsWith('ey')) run.issued.push(answer.accessToken)
  }
}

async function readAlong(run: Race): Promise<void> {
  while (!run.isOver) {
    await run.reader.readOn()
    run.stage.clock.advanceMs(lookEveryMs)
    await setImmediate()
  }
}

async function revokeSome(run: Race, held: readonly Tokens[]): Promise<void> {
  const familyOf = (at: number) => familyIdOf(run.stage, held[at]?.refreshToken ?? '')
  const inputs: readonly RevocationInput[] = [
    { family: familyOf(run.draw(held.length)) },
    { user: people[run.draw(people.length)] },
    { family: familyOf(run.draw(held.length)) },
    { user: people[run.draw(people.length)], client: 'shop' },
  ]
  for (const input of inputs) {
    for (let turn = run.draw(40); turn > 0; turn--) await setImmediate()
    await carryOut(run.stage.workbench, await planRevocation(run.stage.workbench, input))
  }
}

describe('the revocation feed, read while everybody refreshes and families end', () => {
  for (const seed of seeds) {
    it(`says of every access token what introspection says, with the seed ${seed}`, async test => {
      const { held, run } = await race(test, seed)
      const others = [readAlong(run), ...held.map(tokens => refreshOn(run, run.app, tokens))]
      await revokeSome(run, held)
      run.isOver = true
      await Promise.all(others)
      run.stage.clock.advanceMs(lookEveryMs)
      await run.reader.readOn()
      let dead = 0
      for (const [at, accessToken] of run.issued.entries()) {
        const isActive = (await run.app.introspect(accessToken)).active
        assert.equal(run.reader.isDead(accessToken), !isActive, `token ${at} of ${run.issued.length}`)
        if (!isActive) dead += 1
      }
      assert.ok(dead > 0 && dead < run.issued.length, `${dead} of ${run.issued.length} are dead`)
    })
  }
})
