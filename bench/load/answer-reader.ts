/**
 * Just enough of HTTP/1.1 (RFC 9112 §6) to read the answers of a token endpoint on a connection without pipelining. A
 * full client would take more of the two cores than some of the servers it measures.
 */

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Answers a function that is given what arrived and returns the answer once it is whole, until then null. */
export function createAnswerReader(): (chunk: string) => Answer | null {
  let received = ''
  return chunk => {
    received += chunk
    const answer = parseAnswer(received)
    if (answer !== null) received = ''
    return answer
  }
}

/** `text` is latin1: one character a byte, so that lengths in bytes can be compared with it. */
function parseAnswer(text: string): Answer | null {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const head = text.slice(0, headEnd).toLowerCase()
  const rest = text.slice(headEnd + 4)
  const body = head.includes('\r\ntransfer-encoding: chunked') ? chunkedBody(rest) : sizedBody(head, rest)
  return body === null ? null : { status: Number(head.slice(9, 12)), body }
}

function sizedBody(head: string, rest: string): string | null {
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
  if (length === undefined) throw new Error('an answer has neither a length nor chunks')
  if (rest.length > Number(length)) throw new Error('an answer is longer than its content-length says')
  return rest.length === Number(length) ? rest : null
}

function chunkedBody(rest: string): string | null {
  let body = ''
  let at = 0
  for (;;) {
    const sizeEnd = rest.indexOf('\r\n', at)
    if (sizeEnd === -1) return null
    const size = Number.parseInt(rest.slice(at, sizeEnd), 16)
    const from = sizeEnd + 2
    if (rest.length < from + size + 2) return null
    if (size === 0) return body
    body += rest.slice(from, from + size)
    at = from + size + 2
  }
}
