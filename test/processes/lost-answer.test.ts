/** The server has committed, and the answer is cut off on its way: at no byte of it may that cost anybody anything. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { App, Tokens } from '../stage/app.ts'
import { type CuttingProxy, cuttingProxy } from './cutting-proxy.ts'
import { type Holder, type Manner, present, signedInHolders } from './holders.ts'
import { appOf, openOffice } from './registered.ts'
import { dataDirectory, startServer } from './server-process.ts'

/** Longer than any answer of ours; the loop over its bytes ends where the answer does. */
const answerBytesMax = 10_000
/** A step that meets every part of an answer without dividing anything in it. */
const stride = 97

describe('an answer that is cut off after the commit', () => {
  it('RT-04 at any byte is given again with the same refresh token to a client that can show nothing', async test => {
    const line = await openLine(test, 'bare')
    const bytes = await loseAnswers(line, 1)
    test.diagnostic(`${bytes + 1} answers, cut after 0 to ${bytes} bytes`)
    assert.equal((await present(line.holder, line.direct)).status, 200)
  })

  it('RT-04 is given again with the same refresh token to clients that authenticate or send a retry key', async test => {
    for (const manner of ['confidential', 'keyed'] as const) {
      const line = await openLine(test, manner)
      assert.ok((await loseAnswers(line, stride)) > stride)
      assert.equal((await present(line.holder, line.direct)).status, 200)
    }
  })

  it('RT-04 may be lost again and again, and the same refresh token comes', async test => {
    const line = await openLine(test, 'bare')
    const lost = new Set<string>()
    for (let time = 0; time < 30; time++) lost.add(await loseAnswer(line, 0))
    const { refreshToken } = await present(line.holder, line.direct)
    assert.deepEqual([...lost], [refreshToken])
  })
})

interface Line {
  readonly holder: Holder
  readonly direct: App
  readonly proxied: App
  readonly proxy: CuttingProxy
}

async function openLine(test: TestContext, manner: Manner): Promise<Line> {
  const data = await dataDirectory(test)
  const office = await openOffice(test, data)
  const server = await startServer(test, { data })
  const holders = await signedInHolders(office, server, 1)
  const holder = holders.find(one => one.manner === manner)!
  const proxy = await cuttingProxy(test, server.port)
  const throughProxy = {
    issuer: server.issuer,
    send: (path: string, init?: RequestInit) => fetch(new URL(path, proxy.origin), init),
  }
  return {
    holder,
    proxy,
    direct: appOf(server, holder.registered),
    proxied: appOf(throughProxy, holder.registered),
  }
}

/** Loses one answer for each byte it has, the whole included, each in a generation of its own. Answers their number. */
async function loseAnswers(line: Line, step: number): Promise<number> {
  for (let bytes = 0; bytes < answerBytesMax; bytes += step) {
    const { answer, lost } = await loseAnswerAfter(line, bytes)
    const again: Tokens = await present(line.holder, line.direct)
    assert.equal(again.status, 200, `cut after ${bytes} bytes, the client is refused`)
    assert.equal(again.refreshToken, lost, `cut after ${bytes} bytes, another token comes`)
    line.holder.token = again.refreshToken
    if (bytes >= answer.length) return answer.length
  }
  throw new Error(`an answer has more than ${answerBytesMax} bytes`)
}

async function loseAnswer(line: Line, bytes: number): Promise<string> {
  return (await loseAnswerAfter(line, bytes)).lost
}

async function loseAnswerAfter(line: Line, bytes: number): Promise<{ readonly answer: Buffer; readonly lost: string }> {
  const answered = line.proxy.cutNextAfter(bytes)
  const seen = await present(line.holder, line.proxied).catch(() => null)
  const answer = await answered
  assert.equal(seen === null, bytes < answer.length, `${bytes} of ${answer.length} bytes were a whole answer`)
  const body = JSON.parse(answer.toString('utf8', answer.indexOf('\r\n\r\n') + 4)) as { refresh_token: string }
  return { answer, lost: body.refresh_token }
}
