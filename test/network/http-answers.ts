/**
 * Faults that know where an answer of HTTP/1.1 ends (RFC 9112 §6.3): the server has done its work and said so in full,
 * and only what arrives of that is decided here. Answers must tell their length, as all of ours do.
 */

import type { Fault, FaultProxy, Link } from './fault-proxy.ts'
import { through } from './fault-proxy.ts'

/** Waits for the next answer on any connection, passes on so many bytes of it, and cuts. Resolves with all its bytes. */
export function cutNextAnswer(proxy: FaultProxy, bytes: number): Promise<Buffer> {
  return nextAnswer(proxy, (link, answer) => {
    link.forward('toClient', answer.subarray(0, bytes))
    link.cut()
  })
}

/** The same, but the connection stays as it is: the client waits for what has been said, and nobody tells it. */
export function swallowNextAnswer(proxy: FaultProxy): Promise<Buffer> {
  return nextAnswer(proxy, link => link.sever())
}

function nextAnswer(proxy: FaultProxy, lose: (link: Link, answer: Buffer) => void): Promise<Buffer> {
  return new Promise(resolve => {
    let isLost = false
    proxy.faultAll(
      onAnswers((link, answer) => {
        if (isLost) return link.forward('toClient', answer)
        isLost = true
        proxy.faultNew(through)
        lose(link, answer)
        resolve(answer)
      }),
    )
  })
}

/** Gathers the bytes of each answer, and calls once for each. */
function onAnswers(whole: (link: Link, answer: Buffer) => void): Fault {
  return link => {
    let gathered = Buffer.alloc(0)
    return {
      toClient: chunk => {
        gathered = Buffer.concat([gathered, chunk])
        for (;;) {
          const length = answerLength(gathered)
          if (gathered.length < length) return
          const answer = gathered.subarray(0, length)
          gathered = gathered.subarray(length)
          whole(link, answer)
        }
      },
    }
  }
}

function answerLength(bytes: Buffer): number {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return Number.POSITIVE_INFINITY
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(bytes.toString('latin1', 0, headEnd + 2))?.[1]
  if (length === undefined) throw new Error('the server answered without a Content-Length')
  return headEnd + 4 + Number(length)
}
