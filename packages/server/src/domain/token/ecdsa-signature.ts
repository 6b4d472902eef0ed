/**
 * An ECDSA P-256 signature between DER and the 64 bytes JWS wants (RFC 7518 §3.4): r and s, 32 bytes each, big-endian.
 * Signing and verifying DER with the bare key and converting costs half of asking Node 24 for the raw form.
 */

const scalarBytes = 32
export const rawSignatureBytes = 2 * scalarBytes

const sequenceTag = 0x30
const integerTag = 0x02

/** Takes exactly what DER allows for P-256 (X.690 §8.3, §10.1); throws a RangeError on anything else. */
export function rawFromDer(der: Uint8Array): Buffer {
  const raw = Buffer.allocUnsafe(rawSignatureBytes).fill(0)
  if (der[0] !== sequenceTag || der[1] !== der.length - 2) throw malformed()
  const afterR = copyInteger(der, 2, raw, 0)
  const afterS = copyInteger(der, afterR, raw, scalarBytes)
  if (afterS !== der.length) throw malformed()
  return raw
}

/** The DER form of 64 bytes; the caller has counted them. */
export function derFromRaw(raw: Uint8Array): Buffer {
  const der = Buffer.allocUnsafe(derSignatureBytesMax)
  const afterR = writeInteger(raw.subarray(0, scalarBytes), der, 2)
  const afterS = writeInteger(raw.subarray(scalarBytes), der, afterR)
  der[0] = sequenceTag
  der[1] = afterS - 2
  return der.subarray(0, afterS)
}

/** Two integers of at most 33 bytes, with tag and length each, in a sequence. */
const derSignatureBytesMax = 2 + 2 * (2 + scalarBytes + 1)

function writeInteger(scalar: Uint8Array, der: Buffer, at: number): number {
  let from = 0
  while (from < scalarBytes - 1 && scalar[from] === 0) from += 1
  const padding = (scalar[from] ?? 0) >= 0x80 ? 1 : 0
  der[at] = integerTag
  der[at + 1] = scalarBytes - from + padding
  if (padding === 1) der[at + 2] = 0
  der.set(scalar.subarray(from), at + 2 + padding)
  return at + 2 + padding + scalarBytes - from
}

/** A DER integer is signed and minimal: one zero in front where the top bit is set, no leading zeros otherwise. */
function copyInteger(der: Uint8Array, at: number, raw: Buffer, scalarAt: number): number {
  const bytes = der[at + 1] ?? 0
  const from = at + 2
  const until = from + bytes
  if (der[at] !== integerTag || bytes === 0 || until > der.length) throw malformed()
  const first = der[from] ?? 0
  const padded = first === 0 && bytes > 1
  if (first >= 0x80 || (padded && (der[from + 1] ?? 0) < 0x80)) throw malformed()
  const digitsFrom = padded ? from + 1 : from
  if (until - digitsFrom > scalarBytes) throw malformed()
  const shift = scalarAt + scalarBytes - until
  for (let digitAt = digitsFrom; digitAt < until; digitAt++) raw[shift + digitAt] = der[digitAt] as number
  return until
}

function malformed(): RangeError {
  return new RangeError('not the DER form of a P-256 signature')
}
