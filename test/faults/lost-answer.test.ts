/** The server has committed, and the answer is lost on its way: at no byte of it may that cost anybody anything. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutNextAnswer, swallowNextAnswer } from '../network/http-answers.ts'
import { manners, present } from '../processes/holders.ts'
import type { Authorization } from '../stage/app.ts'
import { type Line, openLines, redeem, rowBehind } from './line.ts'

/** Longer than any answer of ours; the loop over its bytes ends where the answer does. */
const answerBytesMax = 10_000
/** A step that meets every part of an answer without dividing anything in it. */
const stride = 97
/** Any number of these lost in a row leaves things as one does. */
const lostInARow = 30
const nodes = 3

describe('an answer to a refresh that is cut off after the commit', () => {
  it('RT-04 at any byte is given again with the same refresh token to a client that can show nothing', async test => {
    const { bare: line } = await openLines(test)
    const bytes = await loseAnswers(line, 1)
    test.diagnostic(`${bytes + 1} answers, cut after 0 to ${bytes} bytes`)
    assert.equal((await present(line.holder, line.direct)).status, 200)
  })

  it('RT-04 is given again with the same refresh token to clients that authenticate or send a retry key', async test => {
    const lines = await openLines(test)
    for (const line of [lines.confidential, lines.keyed]) {
      assert.ok((await loseAnswers(line, stride)) > stride)
      assert.equal((await present(line.holder, line.direct)).status, 200)
    }
  })

  it('RT-04 is given again by whatever node of several is asked next', async test => {
    for (const line of Object.values(await openLines(test, nodes))) {
      assert.ok((await loseAnswers(line, stride)) > stride)
      assert.equal((await present(line.holder, line.direct)).status, 200)
    }
  })

  it('RT-04 may be lost again and again, and the same refresh token comes', async test => {
    const { bare: line } = await openLines(test, nodes)
    const lost = new Set<string>()
    for (let time = 0; time < lostInARow; time++) lost.add((await loseAnswerAfter(line, 0)).lost)
    const { refreshToken } = await present(line.holder, line.direct)
    assert.deepEqual([...lost], [refreshToken])
  })

  it('RT-04 that never arrives, and never fails to, is given again once the client stops waiting', async test => {
    const lines = await openLines(test, nodes)
    for (const manner of manners) {
      const line = lines[manner]
      for (let generation = 0; generation < nodes; generation++) {
        const patience = new AbortController()
        const swallowed = swallowNextAnswer(line.proxy)
        const waiting = present(line.holder, line.proxiedUntil(patience.signal)).catch(failureOf)
        const lost = tokenIn(await swallowed)
        patience.abort()
        assert.ok((await waiting) instanceof Error)
        const again = await present(line.holder, line.direct)
        assert.deepEqual([again.status, again.refreshToken], [200, lost], manner)
        line.holder.token = again.refreshToken
      }
    }
  })
})

describe('an answer to a code that is cut off after the commit', () => {
  it('AC-01 at any byte ends the family when the code comes again, for whoever has it may not be who had it first', async test => {
    const { bare: line } = await openLines(test)
    const bytes = await loseRedemptions(line, async ({ code, lost, cut }) => {
      const again = await redeem(line.direct, line.holder, code)
      assert.deepEqual([again.status, again.body['error']], [400, 'invalid_grant'], cut)
      assert.equal((await rowBehind(line, lost)).end?.reason, 'reuse', cut)
      assert.equal((await line.direct.refresh(lost)).status, 400, cut)
    })
    assert.ok(bytes > stride)
  })

  it('AC-01 ends nothing when the code comes again with its retry key, and never gives a second 200', async test => {
    const { keyed: line } = await openLines(test, nodes)
    const bytes = await loseRedemptions(line, async ({ code, lost, cut }) => {
      const again = await redeem(line.direct, line.holder, code)
      assert.deepEqual([again.status, again.body['error']], [400, 'invalid_grant'], cut)
      assert.equal((await rowBehind(line, lost)).end, null, cut)
      line.holder.token = lost
      assert.equal((await present(line.holder, line.direct)).status, 200, cut)
    })
    assert.ok(bytes > stride)
  })

  it('costs the session nothing: a new code is had without a password and is good', async test => {
    for (const line of Object.values(await openLines(test, nodes))) {
      await loseRedemption(line, await line.authorize(), 0)
      const fresh = await redeem(line.direct, line.holder, await line.authorize())
      assert.equal(fresh.status, 200)
      line.holder.token = fresh.refreshToken
      assert.equal((await present(line.holder, line.direct)).status, 200)
    }
  })
})

/** Loses one answer for each byte it has, the whole included, each in a generation of its own. Answers their number. */
async function loseAnswers(line: Line, step: number): Promise<number> {
  for (let bytes = 0; bytes < answerBytesMax; bytes += step) {
    const { answer, lost } = await loseAnswerAfter(line, bytes)
    const again = await present(line.holder, line.direct)
    assert.equal(again.status, 200, `cut after ${bytes} bytes, the client is refused`)
    assert.equal(again.refreshToken, lost, `cut after ${bytes} bytes, another token comes`)
    line.holder.token = again.refreshToken
    if (bytes >= answer.length) return answer.length
  }
  throw new Error(`an answer has more than ${answerBytesMax} bytes`)
}

interface LostAnswer {
  readonly answer: Buffer
  /** The refresh token in it. */
  readonly lost: string
}

async function loseAnswerAfter(line: Line, bytes: number): Promise<LostAnswer> {
  const answered = cutNextAnswer(line.proxy, bytes)
  const seen = await present(line.holder, line.proxied).catch(failureOf)
  const answer = await answered
  assert.equal(seen instanceof Error, bytes < answer.length, `${bytes} of ${answer.length} bytes were a whole answer`)
  return { answer, lost: tokenIn(answer) }
}

interface LostRedemption {
  readonly code: Authorization
  readonly lost: string
  readonly cut: string
}

/** One code for each stride of its answer. */
async function loseRedemptions(line: Line, then: (lost: LostRedemption) => Promise<void>): Promise<number> {
  for (let bytes = 0; bytes < answerBytesMax; bytes += stride) {
    const code = await line.authorize()
    const { answer, lost } = await loseRedemption(line, code, bytes)
    await then({ code, lost, cut: `cut after ${bytes} bytes` })
    if (bytes >= answer.length) return answer.length
  }
  throw new Error(`an answer has more than ${answerBytesMax} bytes`)
}

async function loseRedemption(line: Line, code: Authorization, bytes: number): Promise<LostAnswer> {
  const answered = cutNextAnswer(line.proxy, bytes)
  const seen = await redeem(line.proxied, line.holder, code).catch(failureOf)
  const answer = await answered
  assert.equal(seen instanceof Error, bytes < answer.length)
  return { answer, lost: tokenIn(answer) }
}

function tokenIn(answer: Buffer): string {
  const body = JSON.parse(answer.toString('utf8', answer.indexOf('\r\n\r\n') + 4)) as { refresh_token: string }
  return body.refresh_token
}

function failureOf(error: unknown): Error {
  assert.ok(error instanceof Error)
  return error
}
