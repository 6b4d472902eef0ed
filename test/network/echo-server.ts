/** A server that says back what it hears, and remembers how each connection went. */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Lifetime } from '../stage/lifetime.ts'

export interface Conversation {
  readonly heard: () => string
  /** How the connection ended on this side: with an end, or with the code of an error. */
  readonly ended: Promise<string>
  readonly socket: Socket
}

export interface EchoServer {
  readonly port: number
  readonly conversations: readonly Conversation[]
  readonly next: () => Promise<Conversation>
  readonly close: () => Promise<void>
  readonly open: () => Promise<void>
}

/** Open for a lifetime. `prefix` stands before everything it says. */
export async function echoServer(lifetime: Lifetime, prefix = ''): Promise<EchoServer> {
  const conversations: Conversation[] = []
  const waiting: ((conversation: Conversation) => void)[] = []
  const server = createServer({ noDelay: true }, socket => {
    const conversation = converse(socket)
    socket.on('data', bytes => socket.write(prefix + bytes.toString()))
    conversations.push(conversation)
    waiting.shift()?.(conversation)
  })
  let port = 0
  const open = async (): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address !== null && typeof address === 'object') port = address.port
  }
  await open()
  const close = async (): Promise<void> => {
    for (const { socket } of conversations) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
  lifetime.after(close)
  return { port, conversations, next: () => new Promise(resolve => waiting.push(resolve)), close, open }
}

/** A client's side of a connection. */
export async function dial(lifetime: Lifetime, port: number): Promise<Conversation> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const conversation = converse(socket)
  lifetime.after(() => socket.destroy())
  await once(socket, 'connect')
  return conversation
}

/** Resolves once the conversation has heard so many bytes. */
export async function heardBytes({ socket, heard }: Conversation, bytes: number): Promise<string> {
  while (heard().length < bytes) await once(socket, 'data')
  return heard()
}

function converse(socket: Socket): Conversation {
  let text = ''
  socket.on('data', bytes => {
    text += bytes.toString()
  })
  const ended = new Promise<string>(resolve => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.once('close', () => resolve('end'))
  })
  return { heard: () => text, ended, socket }
}
