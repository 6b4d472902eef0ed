/** One HTTP exchange, as plain as it gets: no redirect is followed, no cookie kept, no connection left open. */

import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { ServerUnreachable } from '../exit-codes.ts'

export const answerBytesMax = 1_048_576
export const answerMsMax = 15_000

export interface Asked {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string
}

export interface Answered {
  readonly status: number
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined }
  readonly body: string
}

/** Rejects with `ServerUnreachable` when nobody answers, in time and in a bearable size. */
export function exchange(asked: Asked): Promise<Answered> {
  const send = asked.url.startsWith('https:') ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const unreachable = (cause: unknown): void => {
      reject(new ServerUnreachable(`${new URL(asked.url).origin} does not answer: is the server running?`, { cause }))
    }
    const body = Buffer.from(asked.body ?? '')
    const length = asked.method === 'POST' ? { 'Content-Length': String(body.length) } : {}
    const options = {
      method: asked.method,
      headers: { ...asked.headers, ...length },
      agent: false as const,
      timeout: answerMsMax,
    }
    const outgoing = send(asked.url, options, incoming => {
      const chunks: Buffer[] = []
      let bytes = 0
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > answerBytesMax) outgoing.destroy(new Error(`an answer of more than ${answerBytesMax} bytes`))
        chunks.push(chunk)
      })
      incoming.on('error', unreachable)
      incoming.on('end', () => {
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        })
      })
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${answerMsMax} ms`)))
    outgoing.on('error', unreachable)
    outgoing.end(body)
  })
}

/** A header that stands once. */
export function headerOf(answered: Answered, name: string): string | null {
  const value = answered.headers[name.toLowerCase()]
  if (value === undefined) return null
  return typeof value === 'string' ? value : (value[0] ?? null)
}
