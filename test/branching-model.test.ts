/**
 * Random lives of a grant with branches, against a model that knows only what was answered: who holds which token, what it
 * was spent for, and what has ended. Each life has a seed; a failure names it, and `PAWL_SEED=… node --test` plays it first.
 */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { App } from './stage/app.ts'
import { branch } from './stage/exchange.ts'
import { openFamilyOf, openScene, shop } from './stage/scene.ts'

const seed = Number(process.env['PAWL_SEED'] ?? Math.floor(Math.random() * 2 ** 32)) >>> 0
const lives = 12
const stepsPerLife = 60
const branchesMax = 12

interface Family {
  readonly name: string | null
  /** Every refresh token of it, the first at 0: the last is the current one. */
  readonly tokens: string[]
  /** What the predecessor was spent for: the branch it opened, or null for a refresh. */
  lastBranch: Family | null
  ended: boolean
}

interface Life {
  readonly random: () => number
  readonly app: App
  readonly families: Family[]
  over: boolean
}

it('keeps every family of a grant apart, and ends them together', async test => {
  const seen = new Map<string, number>()
  for (let life = 0; life < lives; life++) {
    const lifeSeed = (seed + life) >>> 0
    const scene = await openScene(test, { client: { ...shop, exchange: 'branching' } })
    const { first } = await openFamilyOf(scene)
    const root: Family = { name: null, tokens: [first.refreshToken], lastBranch: null, ended: false }
    const world: Life = { random: randomFrom(lifeSeed), app: scene.app, families: [root], over: false }
    for (let step = 0; step < stepsPerLife; step++) {
      try {
        const what = await takeStep(world)
        seen.set(what, (seen.get(what) ?? 0) + 1)
      } catch (cause) {
        throw new Error(`PAWL_SEED=${lifeSeed} fails at step ${step}`, { cause })
      }
    }
    await checkAll(world)
  }
  for (const what of ['moved', 'repeated', 'refused', 'branched', 'again', 'reused', 'revoked']) {
    assert.ok((seen.get(what) ?? 0) > 0, `${what} was never seen (PAWL_SEED=${seed})`)
  }
})

async function takeStep(world: Life): Promise<string> {
  const { random, families } = world
  const family = pick(random, families)
  const chance = random() * 100
  // Reuse ends everything, so it comes seldom, and late enough for there to be something to end.
  const ageMax = chance < 3 ? family.tokens.length : 2
  const age = Math.min(family.tokens.length, 1 + Math.floor(random() * ageMax))
  if (chance >= 97 && families.length > 1) return revoke(world, family)
  return random() < 0.5 ? refresh(world, family, age) : ask(world, family, age)
}

/** `age` 1 is the current token, 2 its predecessor. */
async function refresh(world: Life, family: Family, age: number): Promise<string> {
  const { tokens } = family
  const answer = await world.app.refresh(tokens.at(-age) ?? '')
  if (isDead(world, family)) return expectRefused(answer.status)
  if (age > 2) return reused(world, answer.status)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  if (age === 2) {
    assert.equal(answer.refreshToken, tokens.at(-1))
    return 'repeated'
  }
  tokens.push(answer.refreshToken)
  family.lastBranch = null
  return 'moved'
}

async function ask(world: Life, family: Family, age: number): Promise<string> {
  const { families, random } = world
  const { tokens, lastBranch } = family
  const isSame = lastBranch !== null && random() < 0.7
  const name = isSame ? (lastBranch.name ?? '') : `branch ${families.length} ${Math.floor(random() * 1e6)}`
  if (!isSame && families.length >= branchesMax && age === 1) return refresh(world, family, age)
  const answer = await branch(world.app, tokens.at(-age) ?? '', { branch_name: name })
  if (isDead(world, family)) return expectRefused(answer.status)
  if (age > 2) return reused(world, answer.status)
  if (age === 2) {
    const isThere = isSame && lastBranch.tokens.length === 1 && !lastBranch.ended
    assert.equal(answer.status, isThere ? 200 : 400, JSON.stringify(answer.body))
    if (!isThere) return 'refused'
    assert.deepEqual([answer.branch.refreshToken, answer.parent.refreshToken], [lastBranch.tokens[0], tokens.at(-1)])
    return 'again'
  }
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const sibling: Family = { name, tokens: [answer.branch.refreshToken], lastBranch: null, ended: false }
  families.push(sibling)
  tokens.push(answer.parent.refreshToken)
  family.lastBranch = sibling
  return 'branched'
}

/** A branch ends alone; the family that the grant began with takes all along. */
async function revoke(world: Life, family: Family): Promise<string> {
  await world.app.revoke(family.tokens.at(-1) ?? '')
  family.ended = true
  if (family.name === null) world.over = true
  return 'revoked'
}

function reused(world: Life, status: number): string {
  assert.equal(status, 400)
  world.over = true
  return 'reused'
}

function expectRefused(status: number): string {
  assert.equal(status, 400, 'something that is over was answered')
  return 'refused'
}

function isDead({ over }: Life, { ended }: Family): boolean {
  return over || ended
}

/** What lives goes on, what is over stays over, and no two families ever held one token. */
async function checkAll(world: Life): Promise<void> {
  const all = world.families.flatMap(({ tokens }) => tokens)
  assert.equal(new Set(all).size, all.length)
  for (const family of world.families) {
    const { status } = await world.app.refresh(family.tokens.at(-1) ?? '')
    assert.equal(status, isDead(world, family) ? 400 : 200, family.name ?? 'the first')
  }
}

function pick<Item>(random: () => number, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item
}

/** mulberry32. */
function randomFrom(seedOfLife: number): () => number {
  let state = seedOfLife >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
