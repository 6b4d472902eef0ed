/**
 * One connection in a closed loop: it presents the newest refresh token of one of its families, waits for the answer,
 * checks it and goes on. Every answer must be a 200 with an access token and a refresh token that is not the one sent.
 */

import { connect } from 'node:net'
import { type Answer, createAnswerReader } from './answer-reader.ts'

export interface ConnectionOptions {
  readonly port: number
  readonly authorization: string | null
  /** The families of this connection; replaced in place by their successors. */
  readonly tokens: string[]
  /** Asked before each request: false ends the connection. */
  readonly goesOn: () => boolean
  readonly answered: (sentAtMs: number, answeredAtMs: number) => void
}

/** Resolves once the last request was answered; rejects at the first wrong answer, naming it. */
export function runConnection(options: ConnectionOptions): Promise<void> {
  const { port, tokens, goesOn, answered } = options
  const head = requestHead(options)
  const read = createAnswerReader()
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let family = 0
    let sentAtMs = 0
    const fail = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    const send = (): void => {
      const body = `grant_type=refresh_token&refresh_token=${encodeURIComponent(tokens[family] ?? '')}`
      sentAtMs = performance.now()
      socket.write(`${head}${body.length}\r\n\r\n${body}`, 'latin1')
    }
    const next = (answer: Answer): void => {
      tokens[family] = successor(answer, tokens[family] ?? '')
      answered(sentAtMs, performance.now())
      family = (family + 1) % tokens.length
      if (goesOn()) return send()
      socket.off('close', closed)
      socket.end()
      resolve()
    }
    const closed = (): void => fail(new Error('the server closed a connection in use'))
    socket.setEncoding('latin1')
    socket.on('connect', send)
    socket.on('error', fail)
    socket.on('close', closed)
    socket.on('data', (chunk: string) => {
      try {
        const answer = read(chunk)
        if (answer !== null) next(answer)
      } catch (error) {
        fail(error as Error)
      }
    })
  })
}

function requestHead(options: ConnectionOptions): string {
  const authorization = options.authorization === null ? '' : `authorization: ${options.authorization}\r\n`
  return (
    `POST /token HTTP/1.1\r\nhost: 127.0.0.1:${options.port}\r\n${authorization}` +
    'content-type: application/x-www-form-urlencoded\r\naccept: application/json\r\ncontent-length: '
  )
}

/** Reads the answer without a JSON parser, which would cost the shared cores; the members are plain tokens. */
function successor(answer: Answer, presented: string): string {
  if (answer.status !== 200) throw new Error(`a rotation was answered ${answer.status}: ${answer.body.slice(0, 300)}`)
  const refreshToken = /"refresh_token": ?"([^"\\]+)"/.exec(answer.body)?.[1]
  if (refreshToken === undefined) throw new Error('a rotation was answered without a refresh token')
  if (refreshToken === presented) throw new Error('a rotation was answered with the refresh token that was presented')
  if (!/"access_token": ?"[\w-]+\.[\w-]+\.[\w-]+"/.test(answer.body))
    throw new Error('a rotation was answered without a JWT access token')
  return refreshToken
}
