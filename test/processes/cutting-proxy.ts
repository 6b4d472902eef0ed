/**
 * A network that fails on purpose: a TCP proxy that lets a request through, waits until the server has answered it in
 * full, and passes on as many bytes of the answer as it is told before it cuts the connection.
 */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface CuttingProxy {
  readonly origin: string
  /** Cuts the next connection after so many bytes of the answer; resolves with all bytes the server answered on it. */
  readonly cutNextAfter: (bytes: number) => Promise<Buffer>
}

interface Cut {
  readonly bytes: number
  readonly answered: (answer: Buffer) => void
}

export async function cuttingProxy(test: TestContext, serverPort: number): Promise<CuttingProxy> {
  const open = new Set<Socket>()
  let next: Cut | null = null
  const proxy = createServer(downstream => {
    const cut = next
    next = null
    const upstream = connect(serverPort, '127.0.0.1')
    for (const socket of [downstream, upstream]) {
      open.add(socket)
      // Broken connections are this proxy's trade; what came of them is seen by both ends.
      socket.on('error', () => socket.destroy()).once('close', () => open.delete(socket))
    }
    downstream.on('data', chunk => upstream.write(chunk))
    collectAnswer(upstream, answer => {
      cut?.answered(answer)
      downstream.write(answer.subarray(0, cut?.bytes ?? answer.length), () => downstream.destroy())
      upstream.destroy()
    })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  test.after(() => {
    proxy.close()
    for (const socket of open) socket.destroy()
  })
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    cutNextAfter: bytes =>
      new Promise(resolve => {
        next = { bytes, answered: resolve }
      }),
  }
}

/** Calls back once, with the whole of the first answer, as its Content-Length tells. */
function collectAnswer(upstream: Socket, whole: (answer: Buffer) => void): void {
  let bytes = Buffer.alloc(0)
  let isWhole = false
  upstream.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    if (isWhole || bytes.length < answerLength(bytes)) return
    isWhole = true
    whole(bytes)
  })
}

function answerLength(bytes: Buffer): number {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return Number.POSITIVE_INFINITY
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(bytes.toString('latin1', 0, headEnd + 2))?.[1]
  if (length === undefined) throw new Error('the server answered without a Content-Length')
  return headEnd + 4 + Number(length)
}
