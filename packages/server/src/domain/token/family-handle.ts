/**
 * The name an access token carries for its family: the id encrypted as one AES-256 block, so that whoever reads the
 * token learns neither the id nor its time, and the server finds the row without a table. One block of one kind of
 * value: a pseudorandom permutation is all that is asked, and the JWT's signature is what makes it trustworthy.
 */

import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from 'node:crypto'
import type { FamilyId } from '@pawl/family'
import { parseFamilyId } from '../identifiers.ts'
import { deriveKey, type MasterKey, type MasterKeys } from '../keys/master-keys.ts'
import { familyIdBytes, readFamilyId, writeFamilyId } from './family-id-bytes.ts'

/** Key id and block are 17 bytes: 23 characters, with two slack bits that must be zero. */
const handleBytes = 1 + familyIdBytes
const handleCharacters = 23

export interface FamilyHandle {
  readonly make: (familyId: FamilyId) => string
  /** Under every master key: what tokens that are alive may carry. */
  readonly all: (familyId: FamilyId) => readonly string[]
  /** Null on what is no handle of ours, or one of a master key that is gone. */
  readonly open: (handle: string) => FamilyId | null
}

export function familyHandle(keys: MasterKeys): FamilyHandle {
  const encrypt = blockCipher(keys.current)
  const ciphers = keys.all.map(key => ({ id: key.id, cipher: blockCipher(key) }))
  const decrypts = new Map(keys.all.map(key => [key.id, blockDecipher(key)]))
  const block = Buffer.alloc(familyIdBytes)
  const handle = Buffer.alloc(handleBytes)

  return {
    make: familyId => {
      writeFamilyId(familyId, block, 0)
      handle[0] = keys.current.id
      encrypt.update(block).copy(handle, 1)
      return handle.toString('base64url')
    },
    all: familyId => {
      writeFamilyId(familyId, block, 0)
      return ciphers.map(({ id, cipher }) => Buffer.concat([Buffer.of(id), cipher.update(block)]).toString('base64url'))
    },
    open: text => {
      if (text.length !== handleCharacters) return null
      const bytes = Buffer.from(text, 'base64url')
      if (bytes.length !== handleBytes || bytes.toString('base64url') !== text) return null
      const decrypt = decrypts.get(bytes[0] ?? 0)
      return decrypt === undefined ? null : parseFamilyId(readFamilyId(decrypt.update(bytes.subarray(1)), 0))
    },
  }
}

/** ECB keeps no state between blocks, so one cipher serves every call; setting one up costs four times the block. */
function blockCipher(key: MasterKey): Cipheriv {
  return createCipheriv('aes-256-ecb', deriveKey(key, 'family handle'), null).setAutoPadding(false)
}

/** Without padding nothing is held back: 16 bytes in are 16 bytes out. */
function blockDecipher(key: MasterKey): Decipheriv {
  return createDecipheriv('aes-256-ecb', deriveKey(key, 'family handle'), null).setAutoPadding(false)
}
