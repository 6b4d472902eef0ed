/**
 * The database did its work, or did not, and the server was not told. What it then answers is true: it looks for its own
 * step, takes it for nobody else's, and says 503 where it cannot know (I2, I14).
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutOnceAfter } from '../network/faults.ts'
import { type Holder, present } from '../processes/holders.ts'
import { familyIdIn } from '../processes/inside-token.ts'
import { appOf, browserOf } from '../processes/registered.ts'
import {
  appFor,
  assertUnknown,
  type DatabaseLine,
  movesOn,
  openDatabaseLine,
  provesUnharmed,
  standsAt,
} from './database-line.ts'

/** The autocommit batch of plain rotations. */
const rotation = /^UPDATE families AS f SET step_id/
const commit = /^COMMIT$/
const endings = ['cut', 'reset'] as const
/** A step that meets every part of an answer without dividing anything in it. */
const stride = 17
/** Refreshes that arrive together and are committed together. */
const crowdSize = 12
/** More than either side says over a refresh. */
const bytesMax = 50_000

describe('an answer of the database that is lost', () => {
  it('to a rotation that was carried out is found again by its step, and is no replay', async test => {
    const line = await openDatabaseLine(test)
    for (const holder of [...line.holders, ...(await strictHolders(line, 1))]) {
      for (const by of endings) {
        for (const bytesPassed of [0, 1, 20]) {
          const lost = line.faults.loseAnswer({ statement: rotation, by, bytesPassed })
          const answer = await present(holder, appFor(line, holder))
          await lost
          const about = `${holder.name}, ${by} after ${bytesPassed} bytes`
          assert.equal(answer.status, 200, about)
          line.kept.acknowledge(holder.token, answer.refreshToken)
          holder.token = answer.refreshToken
          await standsAt(line, holder, about)
        }
      }
    }
    assert.equal(await repeatsOf(line), 0, 'a server took its own write for a replay')
    await provesUnharmed(line)
  })

  it('to many rotations that went together is found again for each of them', async test => {
    const line = await openDatabaseLine(test, { connections: 2 })
    const crowd = await strictHolders(line, crowdSize)
    const apps = crowd.map(holder => appFor(line, holder))
    for (const by of endings) {
      const lost = line.faults.loseAnswer({ statement: rotation, by })
      const answers = await Promise.all(crowd.map((holder, index) => present(holder, apps[index]!)))
      await lost
      for (const [index, { status, refreshToken }] of answers.entries()) {
        assert.equal(status, 200)
        crowd[index]!.token = refreshToken
        await standsAt(line, crowd[index]!, by)
      }
    }
    assert.equal(await repeatsOf(line), 0)
  })

  it('to the COMMIT of a repeat, a revocation or a reuse leaves each of them done once', async test => {
    const line = await openDatabaseLine(test)
    const [confidential, bare, keyed] = line.holders as [Holder, Holder, Holder]
    const predecessor = { ...bare }
    await movesOn(line, bare)
    const repeated = line.faults.loseAnswer({ statement: commit, by: 'reset' })
    const repeat = await present(predecessor, appFor(line, bare))
    await repeated
    if (repeat.status !== 200) assertUnknown(repeat)
    assert.equal((await present(predecessor, appFor(line, bare))).refreshToken, bare.token)

    const revoked = line.faults.loseAnswer({ statement: commit, by: 'cut' })
    const revocation = await appFor(line, confidential).revoke(confidential.token)
    await revoked
    if (revocation.status !== 200) assertUnknown(revocation)
    assert.equal((await appFor(line, confidential).revoke(confidential.token)).status, 200)
    assert.equal((await present(confidential, appFor(line, confidential))).status, 400)

    const [strict] = (await strictHolders(line, 1)) as [Holder]
    const stolen = { ...strict }
    await movesOn(line, strict)
    const reused = line.faults.loseAnswer({ statement: commit, by: 'reset' })
    const reuse = await present(stolen, appFor(line, strict))
    await reused
    if (reuse.status !== 400) assertUnknown(reuse)
    assert.equal((await present(strict, appFor(line, strict))).status, 400)

    const events = await line.office.workbench.store.events.latest(1_000)
    const familyId = familyIdIn(strict.token)
    assert.equal(events.filter(event => event.kind === 'token_reused' && event.familyId === familyId).length, 1)
    const ended = familyIdIn(confidential.token)
    assert.equal(events.filter(event => event.kind === 'family_ended' && event.familyId === ended).length, 1)
    await movesOn(line, keyed)
  })

  it('to a redemption is found again, and the code gets its one 200', async test => {
    const line = await openDatabaseLine(test)
    for (const holder of line.holders) {
      const app = appFor(line, holder)
      const code = await app.authorize(browserOf(line.server))
      const lost = line.faults.loseAnswer({ statement: /^UPDATE families/, by: 'cut' })
      const { status, refreshToken } = await app.redeem(code)
      await lost
      assert.equal(status, 200, holder.name)
      assert.equal((await app.refresh(refreshToken)).status, 200, holder.name)
    }
  })

  it('with a warning in it is looked into before anything is said', async test => {
    const line = await openDatabaseLine(test)
    for (const holder of line.holders) {
      const warned = line.faults.warnInAnswer(rotation)
      await movesOn(line, holder)
      await warned
    }
    await provesUnharmed(line)
  })
})

describe('a connection to the database that ends', () => {
  for (const direction of ['toClient', 'toServer'] as const) {
    it(`at any byte of all that is said ${direction} over a refresh costs the client at most a 503`, async test => {
      const line = await openDatabaseLine(test, { connections: 2 })
      const [, bare] = line.holders as [Holder, Holder]
      let unknown = 0
      let bytes = 0
      for (let isCut = true; isCut && bytes < bytesMax; bytes += stride) {
        const happened = cutOnceAfter(line.proxy, direction, bytes)
        unknown += await movesOn(line, bare, `when cut after ${bytes} bytes`)
        isCut = happened()
      }
      const cuts = Math.floor(bytes / stride)
      assert.ok(cuts > 10 && bytes < bytesMax)
      test.diagnostic(`cut ${cuts} times within ${bytes} bytes, told ${unknown} times to come back`)
      await provesUnharmed(line)
    })
  }
})

describe('a statement that never arrives at the database', () => {
  it('changes nothing, and the next attempt does', async test => {
    const line = await openDatabaseLine(test)
    for (const holder of line.holders) {
      for (const by of endings) {
        for (const bytesPassed of [0, 1, 30]) {
          const lost = line.faults.loseStatement({ statement: rotation, by, bytesPassed })
          await movesOn(line, holder, `when ${by} within the statement`)
          await lost
          await standsAt(line, holder)
        }
      }
    }
    await provesUnharmed(line)
  })

  it('is sent again where it was the COMMIT of a revocation, or called unknown, and is never half done', async test => {
    const line = await openDatabaseLine(test)
    const revoked = await strictHolders(line, endings.length)
    for (const [index, by] of endings.entries()) {
      const holder = revoked[index]!
      const app = appFor(line, holder)
      const lost = line.faults.loseStatement({ statement: commit, by })
      const answer = await app.revoke(holder.token)
      await lost
      if (answer.status === 200) {
        assert.equal((await present(holder, app)).status, 400, by)
        assert.equal(await endsOf(line, holder), 1, by)
      } else {
        assertUnknown(answer)
        await standsAt(line, holder, by)
      }
    }
    for (const holder of line.holders) await movesOn(line, holder)
  })
})

/** Holders whose own repeat would end their grant: their client has no window, no key and no secret. */
async function strictHolders(line: DatabaseLine, count: number): Promise<Holder[]> {
  const registered = await line.office.addClient({ id: 'strict', kind: 'native', repeatSeconds: 0 })
  const app = appOf(line.server, registered)
  const holders: Holder[] = []
  for (let index = 0; index < count; index++) {
    const { refreshToken } = await app.signIn(browserOf(line.server))
    holders.push({ name: `strict ${index}`, manner: 'bare', registered, token: refreshToken })
  }
  return holders
}

async function endsOf({ office }: DatabaseLine, { token }: Holder): Promise<number> {
  const events = await office.workbench.store.events.ofFamily(familyIdIn(token), 10)
  return events.filter(({ kind }) => kind === 'family_ended').length
}

async function repeatsOf({ office }: DatabaseLine): Promise<number> {
  const events = await office.workbench.store.events.latest(1_000)
  return events.filter(({ kind }) => kind === 'token_repeated' || kind === 'token_reused').length
}
