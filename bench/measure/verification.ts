/** What one ES256 verification with a key at hand costs in this process: the least that a DPoP proof can cost a server. */

import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'

const warmUp = 200
const measured = 1000

/** Microseconds of processor time, of as long a text as a proof is. */
export function verificationMicros(): number {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const text = Buffer.from(randomBytes(240).toString('base64url'))
  const signature = sign('sha256', text, privateKey)
  const repeat = (times: number): void => {
    for (let at = 0; at < times; at++) {
      if (!verify('sha256', text, publicKey, signature)) throw new Error('a signature was not verified')
    }
  }
  repeat(warmUp)
  const before = process.cpuUsage()
  repeat(measured)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / measured
}
