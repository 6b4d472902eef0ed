/**
 * A RST, as a peer that is gone answers. libuv refuses one while the end of a half-closed connection is still being sent
 * (`uv_tcp_close_reset`); Node 26 then loses the handle and spins for ever when the process ends. Such a connection is
 * closed instead: its peer is just being told that nothing more comes.
 */

import type { Socket } from 'node:net'

export function reset(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished
  if (isEnding) socket.destroy()
  else socket.resetAndDestroy()
}
