/**
 * What PostgreSQL keeps of a password (RFC 5803), with one round instead of 4,096: the passwords of throw-away clusters
 * are random, so that rounds protect nothing there, and tests connect by the thousand.
 */

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

const rounds = 1

/** In the form that `ALTER ROLE … PASSWORD` stores as it is. */
export function scramVerifier(password: string): string {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, rounds, 32, 'sha256')
  const keyed = (text: string): Buffer => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(keyed('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${rounds}:${salt.toString('base64')}$${storedKey}:${keyed('Server Key').toString('base64')}`
}
