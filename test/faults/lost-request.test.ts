/** A request that does not arrive in full is no request: whatever part of it came, nothing has changed. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FaultProxy } from '../network/fault-proxy.ts'
import { cutAfter, resetAfter } from '../network/faults.ts'
import { present } from '../processes/holders.ts'
import { type Line, openLines, redeem, rowBehind } from './line.ts'

describe('a request that is cut off on its way', () => {
  it('moves no family, at whatever byte of a refresh', async test => {
    const { confidential: line } = await openLines(test)
    const bytes = await requestBytes(line.proxy, async () => {
      line.holder.token = (await present(line.holder, line.proxied)).refreshToken
    })
    const before = await rowBehind(line, line.holder.token)
    await cutAtEach(line, bytes, () => present(line.holder, line.proxied))
    assert.deepEqual(await rowBehind(line, line.holder.token), before)
    test.diagnostic(`${bytes} requests, cut after 0 to ${bytes - 1} bytes`)
    assert.equal((await present(line.holder, line.direct)).status, 200)
  })

  it('uses up no code, at whatever byte of its redemption', async test => {
    const { keyed: line } = await openLines(test)
    const bytes = await requestBytes(line.proxy, async () => redeem(line.proxied, line.holder, await line.authorize()))
    const code = await line.authorize()
    await cutAtEach(line, bytes, () => redeem(line.proxied, line.holder, code))
    assert.equal((await rowBehind(line, code.code)).generation, 0)
    assert.equal((await redeem(line.direct, line.holder, code)).status, 200)
  })

  it('ends no family, at whatever byte of a revocation', async test => {
    const { confidential: line } = await openLines(test)
    const bytes = await requestBytes(line.proxy, () => line.proxied.revoke('x'.repeat(line.holder.token.length)))
    await cutAtEach(line, bytes, () => line.proxied.revoke(line.holder.token))
    assert.equal((await rowBehind(line, line.holder.token)).end, null)
    assert.equal((await present(line.holder, line.direct)).status, 200)
  })
})

/** How many bytes the one request has that `send` sends. */
async function requestBytes(proxy: FaultProxy, send: () => Promise<unknown>): Promise<number> {
  let bytes = 0
  proxy.faultNew(link => ({
    toServer: chunk => {
      bytes += chunk.length
      link.forward('toServer', chunk)
    },
  }))
  await send()
  proxy.heal()
  return bytes
}

/** Every other one ends with a RST. What the server does about it is done when the connection is gone on its side too. */
async function cutAtEach(line: Line, requestLength: number, send: () => Promise<unknown>): Promise<void> {
  for (let bytes = 0; bytes < requestLength; bytes++) {
    line.proxy.faultNext((bytes % 2 === 0 ? cutAfter : resetAfter)('toServer', bytes))
    await assert.rejects(send(), `${bytes} bytes were a whole request`)
    await line.proxy.idle()
  }
}
