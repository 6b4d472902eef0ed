/**
 * The messages between a client and PostgreSQL (protocol 3.0, PostgreSQL documentation 54.7), read from chunks of any
 * size. No more of them is understood than tests need to tell statements and their answers apart. Without TLS.
 */

/** One message, or the opening packet of a connection, which has no type. */
export interface Message {
  readonly type: string
  readonly bytes: Buffer
}

/** Reads one direction of one connection from its first byte on. Each call answers the messages that are now complete. */
export type ReadMessages = (chunk: Buffer) => readonly Message[]

export function readFrontend(): ReadMessages {
  return reader(true)
}

export function readBackend(): ReadMessages {
  return reader(false)
}

const typeBytes = 1
const lengthBytes = 4
/** The opening packet's type in what we answer: PostgreSQL gives it none. */
export const startup = 'startup'
const protocolMajor = 3

function reader(beginsUntyped: boolean): ReadMessages {
  let pending = Buffer.alloc(0)
  let isUntyped = beginsUntyped
  return chunk => {
    pending = Buffer.concat([pending, chunk])
    const messages: Message[] = []
    for (;;) {
      const typed = isUntyped ? 0 : typeBytes
      if (pending.length < typed + lengthBytes) return messages
      const length = typed + pending.readUInt32BE(typed)
      if (pending.length < length) return messages
      const bytes = pending.subarray(0, length)
      pending = pending.subarray(length)
      if (isUntyped && bytes.readUInt16BE(lengthBytes) !== protocolMajor) {
        throw new Error('a connection to PostgreSQL begins with something else than protocol 3')
      }
      messages.push({ type: isUntyped ? startup : String.fromCharCode(bytes[0] ?? 0), bytes })
      isUntyped = false
    }
  }
}

/** The statements that messages of one connection carry or refer to, by the names they were prepared under. */
export function statementTexts(): (message: Message) => string | null {
  const prepared = new Map<string, string>()
  return ({ type, bytes }) => {
    const fields = bytes.toString('utf8', typeBytes + lengthBytes).split('\0')
    if (type === 'Q') return fields[0] ?? ''
    if (type === 'P') prepared.set(fields[0] ?? '', fields[1] ?? '')
    // Bind names the portal first, then the statement.
    return type === 'B' ? (prepared.get(fields[1] ?? '') ?? null) : null
  }
}

/** Whether the database answers with ReadyForQuery when it has done what came up to this message. */
export function asksForReady({ type }: Message): boolean {
  return type === startup || type === 'Q' || type === 'S'
}

export function isReady({ type }: Message): boolean {
  return type === 'Z'
}

/** A NoticeResponse as the server sends it (PostgreSQL documentation 54.8). */
export function warning(code: string, text: string): Buffer {
  const fields = [`SWARNING`, `VWARNING`, `C${code}`, `M${text}`, ''].join('\0')
  const body = Buffer.from(`${fields}\0`, 'utf8')
  const head = Buffer.alloc(typeBytes + lengthBytes)
  head.write('N', 0, 'latin1')
  head.writeUInt32BE(lengthBytes + body.length, typeBytes)
  return Buffer.concat([head, body])
}
