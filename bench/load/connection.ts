/** One connection kept alive, on which one request follows the other. */

import { connect } from 'node:net'
import { type Answer, createAnswerReader } from './answer-reader.ts'
import type { LapOrder } from './lap.ts'
import { newProver } from './prover.ts'

export interface Connection {
  /** Sends the form; the connection must be free. `answered` gets the whole answer. */
  readonly send: (body: string, answered: (answer: Answer) => void) => void
  readonly close: () => void
}

/** Resolves once connected. `fail` gets whatever goes wrong afterwards, also what `answered` throws. */
export function openConnection(order: LapOrder, fail: (error: Error) => void): Promise<Connection> {
  const head = requestHead(order)
  const prove = order.exchange.proofUrl === null ? null : newProver(order.exchange.proofUrl)
  const read = createAnswerReader()
  return new Promise((resolve, reject) => {
    const socket = connect({ port: order.port, host: '127.0.0.1', noDelay: true })
    let receive: ((answer: Answer) => void) | null = null
    const broken = (error: Error): void => {
      socket.destroy()
      reject(error)
      fail(error)
    }
    const closed = (): void => broken(new Error('the server closed a connection in use'))
    socket.setEncoding('latin1')
    socket.on('error', broken)
    socket.on('close', closed)
    socket.on('data', (chunk: string) => {
      try {
        const answer = read(chunk)
        if (answer !== null) receive?.(answer)
      } catch (error) {
        broken(error as Error)
      }
    })
    socket.on('connect', () =>
      resolve({
        send: (body, answered) => {
          receive = answered
          const proof = prove === null ? '' : `dpop: ${prove()}\r\n`
          socket.write(`${head}${proof}content-length: ${body.length}\r\n\r\n${body}`, 'latin1')
        },
        close: () => {
          socket.off('close', closed)
          socket.end()
        },
      }),
    )
  })
}

function requestHead(order: LapOrder): string {
  const authorization = order.authorization === null ? '' : `authorization: ${order.authorization}\r\n`
  return (
    `POST ${order.exchange.path} HTTP/1.1\r\nhost: 127.0.0.1:${order.port}\r\n${authorization}` +
    'content-type: application/x-www-form-urlencoded\r\naccept: application/json\r\n'
  )
}
