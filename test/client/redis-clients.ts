/** The clients of Redis that a store may be given, each fitted to its port as its documentation says. */

import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { RedisPort } from '@pawl/client/redis'

export const clientKinds = ['ioredis', 'node-redis'] as const
export type RedisKind = (typeof clientKinds)[number]

export interface RedisClient {
  readonly port: RedisPort
  /** Any other command, as words. */
  readonly ask: (command: string, ...words: readonly string[]) => Promise<unknown>
  readonly close: () => Promise<void>
}

export function connectRedis(kind: RedisKind, port: number): Promise<RedisClient> {
  switch (kind) {
    case 'ioredis':
      return connectIoredis(port)
    case 'node-redis':
      return connectNodeRedis(port)
  }
}

async function connectIoredis(port: number): Promise<RedisClient> {
  // A script whose answer was lost is not sent again: the store says that its outcome is unknown.
  const redis = new Redis({ port, host: '127.0.0.1', lazyConnect: true, maxRetriesPerRequest: 0 })
  redis.on('error', () => {})
  await redis.connect()
  return {
    port: { eval: (script, key, values) => redis.eval(script, 1, key, ...values) },
    ask: (command, ...words) => redis.call(command, ...words),
    close: async () => redis.disconnect(),
  }
}

async function connectNodeRedis(port: number): Promise<RedisClient> {
  const redis = createClient({ socket: { port, host: '127.0.0.1', reconnectStrategy: false } })
  // Connections are broken on purpose; whoever waits for an answer is told.
  redis.on('error', () => {})
  await redis.connect()
  return {
    port: { eval: (script, key, values) => redis.eval(script, { keys: [key], arguments: [...values] }) },
    ask: (...words) => redis.sendCommand(words),
    close: async () => {
      if (redis.isOpen) redis.destroy()
    },
  }
}
