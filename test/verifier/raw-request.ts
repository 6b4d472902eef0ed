/** A GET whose headers go out as they are written, also one name twice: `fetch` would join them. */

import { request } from 'node:http'

export interface RawAnswer {
  readonly status: number
  readonly body: string
}

export function rawAnswer(
  port: number,
  path: string,
  headers: readonly (readonly [name: string, value: string])[],
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const all = [['Host', `127.0.0.1:${port}`], ...headers]
    const sent = request({ host: '127.0.0.1', port, path, headers: all.flat(), agent: false }, answer => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (text: string) => {
        body += text
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}
