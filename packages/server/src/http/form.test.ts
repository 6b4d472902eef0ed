import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OAuthError } from '../oauth/oauth-error.ts'
import type { HttpRequest } from './exchange.ts'
import {
  isForm,
  parameterBytesMax,
  parametersMax,
  parseParameters,
  readForm,
  readQuery,
  readQueryOrForm,
} from './form.ts'

const formType = 'application/x-www-form-urlencoded'

function post(body: string | Uint8Array, contentType: string | undefined = formType, query = ''): HttpRequest {
  return {
    method: 'POST',
    path: '/token',
    query,
    headers: { 'content-type': contentType },
    body: typeof body === 'string' ? Buffer.from(body) : body,
    address: '192.0.2.1',
  }
}

function refused(read: () => unknown): OAuthError {
  try {
    read()
  } catch (error) {
    assert.ok(error instanceof OAuthError)
    assert.equal(error.code, 'invalid_request')
    assert.equal(error.status, 400)
    return error
  }
  return assert.fail('it was accepted')
}

describe('parameters', () => {
  it('decodes plus signs and percent-encoded UTF-8', () => {
    const parameters = parseParameters('scope=openid+profile&client%5Fid=w%C3%A9b&state=a%2Bb%26c%3Dd')
    assert.equal(parameters.get('scope'), 'openid profile')
    assert.equal(parameters.get('client_id'), 'wéb')
    assert.equal(parameters.get('state'), 'a+b&c=d')
  })

  it('keeps everything after the first equals sign as the value', () => {
    assert.equal(parseParameters('code=a=b==').get('code'), 'a=b==')
  })

  it('skips empty pieces and reads a name without a value as empty', () => {
    const parameters = parseParameters('&&a&b=&')
    assert.equal(parameters.get('a'), '')
    assert.equal(parameters.get('b'), '')
  })

  it('RT-37 tells a parameter sent empty from one not sent', () => {
    const parameters = parseParameters('refresh_token=')
    assert.equal(parameters.has('refresh_token'), true)
    assert.equal(parameters.get('refresh_token'), '')
    assert.equal(parameters.has('grant_type'), false)
    assert.equal(parameters.get('grant_type'), undefined)
    assert.deepEqual(parameters.all('grant_type'), [])
  })

  it('refuses a repeated parameter, even where the two are equal or differently encoded', () => {
    refused(() => parseParameters('scope=a&scope=a'))
    refused(() => parseParameters('client_id=a&client%5Fid=b'))
    refused(() => parseParameters('code=&code=a'))
  })

  it('reads every value of a parameter that may repeat, in order', () => {
    const parameters = parseParameters('resource=a&x=1&resource=b&resource=c&audience=d')
    assert.deepEqual(parameters.all('resource'), ['a', 'b', 'c'])
    assert.deepEqual(parameters.all('audience'), ['d'])
    assert.deepEqual(parameters.all('x'), ['1'])
  })

  it('is not fooled by names that objects have', () => {
    assert.equal(parseParameters('a=1').get('constructor'), undefined)
    assert.equal(parseParameters('__proto__=x').get('__proto__'), 'x')
  })

  it('DS-02 accepts the most parameters allowed and refuses one more, repeated or not', () => {
    const many = (count: number): string => Array.from({ length: count }, (_, index) => `p${index}=x`).join('&')
    assert.equal(parseParameters(many(parametersMax)).get(`p${parametersMax - 1}`), 'x')
    refused(() => parseParameters(many(parametersMax + 1)))
    refused(() => parseParameters('resource=x&'.repeat(parametersMax + 1)))
  })

  it('DS-02 accepts the longest name and value and refuses one byte more', () => {
    const longest = 'x'.repeat(parameterBytesMax)
    assert.equal(parseParameters(`a=${longest}`).get('a'), longest)
    assert.equal(parseParameters(`${longest}=a`).get(longest), 'a')
    assert.equal(parseParameters(`a=${'%41'.repeat(parameterBytesMax)}`).get('a')?.length, parameterBytesMax)
    assert.equal(parseParameters(`a=${'é'.repeat(parameterBytesMax / 2)}`).get('a')?.length, parameterBytesMax / 2)
    refused(() => parseParameters(`a=${'é'.repeat(parameterBytesMax / 2)}x`))
    refused(() => parseParameters(`a=${longest}x`))
    refused(() => parseParameters(`a=${'+'.repeat(parameterBytesMax + 1)}`))
    refused(() => parseParameters(`${longest}x=a`))
    refused(() => parseParameters(`a=${'%41'.repeat(parameterBytesMax + 1)}`))
  })

  for (const [what, piece] of [
    ['a stray percent sign', 'a=%'],
    ['half an escape', 'a=%4'],
    ['an escape that is no hexadecimal', 'a=%zz'],
    ['a byte that is no UTF-8', 'a=%ff'],
    ['an overlong slash', 'a=%c0%af'],
    ['an encoded surrogate', 'a=%ed%a0%80'],
    ['a NUL', 'a=b%00c'],
    ['a raw NUL', 'a=b\0c'],
    ['a NUL in a name', 'a%00=b'],
  ] as const) {
    it(`IJ-08 refuses ${what}`, () => {
      refused(() => parseParameters(piece))
    })
  }
})

describe('a form', () => {
  it('is recognised with parameters and in any case, and nothing else is', () => {
    for (const type of [formType, `${formType};charset=utf-8`, `${formType} ; charset=UTF-8`, formType.toUpperCase()]) {
      assert.equal(isForm(post('', type)), true, type)
    }
    for (const type of ['application/json', `${formType}x`, `x${formType}`, 'multipart/form-data; boundary=x', '']) {
      assert.equal(isForm(post('', type)), false, type)
    }
  })

  it('AC-11 refuses JSON, multipart and a body without a type', () => {
    for (const type of ['application/json', 'multipart/form-data; boundary=x', ''])
      refused(() => readForm(post('a=b', type)))
    refused(() => readForm({ ...post('a=b'), headers: {} }))
  })

  it('CA-15 refuses a query, and says nothing of what was in it', () => {
    const error = refused(() => readForm(post('a=b', formType, 'client_secret=geheim')))
    assert.doesNotMatch(`${error.message}${error.stack}`, /geheim/)
  })

  it('refuses a body that is not UTF-8', () => {
    refused(() => readForm(post(Uint8Array.of(0x61, 0x3d, 0xff))))
    refused(() => readForm(post(Uint8Array.of(0x61, 0x3d, 0xed, 0xa0, 0x80))))
    assert.equal(readForm(post('a=é')).get('a'), 'é')
  })

  it('is read from the query of a GET and from the body of a POST', () => {
    assert.equal(readQueryOrForm({ ...post('a=body'), method: 'GET', query: 'a=query' }).get('a'), 'query')
    assert.equal(readQueryOrForm(post('a=body')).get('a'), 'body')
  })

  it('refuses a query with a byte outside ASCII', () => {
    refused(() => readQuery(post('', formType, 'a=\u00e9')))
    refused(() => readQuery(post('', formType, 'a=b c')))
  })
})
