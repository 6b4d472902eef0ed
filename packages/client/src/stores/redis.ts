/**
 * Redis or Valkey, any number of processes and machines. Every verb is one script on one key, so it is one step, and a
 * cluster needs no hash tags (those that stand in `prefix` are kept). Leases end by the server's clock.
 *
 * A store answers once what it was given is durable, and a server of this kind does that only where it is told to: set
 * `appendonly yes` and `appendfsync always`. With `appendfsync everysec`, the usual setting, a crash takes the last second
 * with it: what was acknowledged in it is lost, and so may a grant be. Where that cannot be set, `isDurable` asks for each
 * write: `WAITAOF 1 0 1000` whether this server has flushed it (Redis 7.2), `WAIT 1 1000` whether a replica has it, which
 * outlives a failover. Set `maxmemory-policy noeviction`, or the server signs people out to make room. Never read from
 * replicas.
 */

import type { CustodyStore, KeptRecord } from '../custody/custody-store.ts'
import { withEnd } from './expiry.ts'
import { newLeaseToken } from './lease-token.ts'
import { withoutKey } from './without-key.ts'

/**
 * What is used of a client: `EVAL`. It must reject when the answer is lost, and not send a script again by itself where
 * that may be (`maxRetriesPerRequest: 0` of ioredis).
 *
 *     ioredis      { eval: (script, key, values) => redis.eval(script, 1, key, ...values) }
 *     node-redis   { eval: (script, key, values) => redis.eval(script, { keys: [key], arguments: [...values] }) }
 */
export interface RedisPort {
  eval(script: string, key: string, values: readonly string[]): Promise<unknown>
}

export interface RedisStoreOptions {
  readonly redis: RedisPort
  /** Before every key; `pawl:custody:` by default. */
  readonly prefix?: string
  /**
   * Asked after every write, on the same connection: whether what was written before is durable. Where it answers false
   * the verb rejects, because the outcome is unknown.
   */
  readonly isDurable?: () => Promise<boolean>
}

/** Every verb rejects with the error of the client, and with one that says so where an answer is not to be understood. */
export function redisStore({ redis, prefix = 'pawl:custody:', isDurable }: RedisStoreOptions): CustodyStore {
  const recordKey = (name: string): string => `${prefix}grant:${name}`
  const leaseKey = (name: string): string => `${prefix}lease:${name}`
  const change = async (script: string, key: string, values: readonly string[]): Promise<boolean> => {
    const isDone = isOne(await redis.eval(script, key, values))
    if (isDone && isDurable !== undefined && !(await isDurable())) {
      throw new Error('the server did not say in time that what it wrote is durable')
    }
    return isDone
  }
  return {
    keepsKeys: false,
    load: async name => readRecord(await redis.eval(load, recordKey(name), [])),
    save: async (name, record, ifVersion) => {
      const { version, sealed, expiresAtMs } = withoutKey(record)
      // Never before: a fraction of a millisecond counts as a whole one.
      const end = expiresAtMs === undefined ? '' : String(Math.ceil(expiresAtMs))
      return (await change(save, recordKey(name), [ifVersion ?? '', version, sealed, end])) ? 'saved' : 'moved'
    },
    lease: async (name, seconds) => {
      const token = newLeaseToken()
      const key = leaseKey(name)
      if (!isOne(await redis.eval(lease, key, [token, String(Math.ceil(seconds * 1000))]))) return null
      return {
        release: async () => {
          await redis.eval(release, key, [token])
        },
      }
    },
    remove: async (name, ifVersion) => ((await change(remove, recordKey(name), [ifVersion])) ? 'removed' : 'moved'),
  }
}

const load = `return redis.call('HMGET', KEYS[1], 'version', 'sealed', 'expiresAtMs')`

/** No version is empty, so the empty one stands for nothing, and so does an empty end. */
const save = `
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'sealed', ARGV[3])
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'expiresAtMs', ARGV[4])
  redis.call('PEXPIREAT', KEYS[1], ARGV[4])
end
return 1`

const remove = `
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

const lease = `
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0`

const release = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

function readRecord(answer: unknown): KeptRecord | null {
  const [version, sealed, end] = Array.isArray(answer) ? (answer as readonly unknown[]) : []
  if (version === null && sealed === null) return null
  if (typeof version !== 'string' || typeof sealed !== 'string') {
    throw new TypeError('the client of Redis does not answer with two texts: it must not return buffers')
  }
  return withEnd(version, sealed, typeof end === 'string' ? Number(end) : null)
}

function isOne(answer: unknown): boolean {
  if (answer !== 0 && answer !== 1) throw new TypeError('the client of Redis does not answer with a number')
  return answer === 1
}
