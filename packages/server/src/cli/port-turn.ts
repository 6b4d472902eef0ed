/**
 * One process after the other opens a port. Threads share theirs (SO_REUSEPORT), and such a port is not refused to another
 * server of the same user: whoever is first proves beforehand that nobody has it. Two that start in one moment could both
 * prove that before either has it, and would then share clients of different servers. So the proof and the opening are one
 * step, for which a process holds a name that the system gives to one at a time and takes back from the dead: a socket in
 * the abstract namespace, which lies where ports lie. Linux alone has it; elsewhere that moment stays open.
 */

import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/** How often somebody else's turn is waited for: far longer than it takes to open a port. */
export const turnAttemptsMax = 500
const turnPauseMs = 10

/** Opens while no other process of this machine opens the same port. Rejects with EADDRINUSE where the turn never comes. */
export async function inPortTurn<T>(port: number, open: () => Promise<T>): Promise<T> {
  if (port === 0 || process.platform !== 'linux') return open()
  const endTurn = await takeTurn(`\0pawl opens port ${port}`)
  try {
    return await open()
  } finally {
    endTurn()
  }
}

async function takeTurn(path: string): Promise<() => void> {
  for (let attempt = 1; ; attempt++) {
    const holder = createServer(socket => socket.destroy()).listen({ path, exclusive: true })
    try {
      await once(holder, 'listening')
      return () => void holder.close()
    } catch (error) {
      const isHeld = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      if (!isHeld || attempt === turnAttemptsMax) throw error
    }
    await setTimeout(turnPauseMs)
  }
}
