// A Node service that keeps its sessions as Remix does: in a signed cookie, in files, or in Redis.
//
// Remix is in no package of a system. What is done with cookies, files and keys here is written anew, from the description of
// what it does.
//
//     node remix.js MODULES '{"storage":"files","directory":"/tmp/sessions","secrets":["s3cr3t"],"requests":[…]}'
//
// Each request has the value of a client's cookie, or null, and what its handler does: ["increment","visits"],
// ["set","user","bob"], ["unset","user"], ["flash","notice","Saved"], ["regenerate"], ["regenerate","delete"], ["destroy"]. It is
// answered with one line: the id, the values and the flash values that the handler sees, and the cookie's value, which is null
// if there is no Set-Cookie and empty if the session was destroyed.
'use strict'

process.env.NODE_PATH = process.argv[2]
require('module').Module._initPaths()

const crypto = require('crypto')
const fs = require('fs/promises')
const path = require('path')

const settings = JSON.parse(process.argv[3])

function signature (encoded, secret) {
  return crypto.createHmac('sha256', secret).update(encoded).digest('base64').replace(/=+$/, '')
}

function serialize (text) {
  if (text === '') return ''
  const encoded = Buffer.from(text, 'utf8').toString('base64')
  return encoded + '.' + signature(encoded, settings.secrets[0])
}

function parse (value) {
  if (!value) return null
  const dot = value.lastIndexOf('.')
  if (dot < 0) return null
  const encoded = value.slice(0, dot)
  if (!settings.secrets.some(secret => signature(encoded, secret) === value.slice(dot + 1))) return null
  return Buffer.from(encoded, 'base64').toString('utf8')
}

function fileStore () {
  const place = id => {
    const hash = crypto.createHash('sha256').update(id).digest('hex')
    return path.join(settings.directory, hash.slice(0, 2), hash.slice(2))
  }
  return {
    async get (id) {
      try {
        return JSON.parse(await fs.readFile(place(id), 'utf8'))
      } catch (error) {
        if (error.code === 'ENOENT') return null
        throw error
      }
    },
    async set (id, data) {
      await fs.mkdir(path.dirname(place(id)), { recursive: true })
      await fs.writeFile(place(id), JSON.stringify(data))
    },
    destroy: id => fs.rm(place(id), { force: true }),
    async close () {}
  }
}

async function redisStore () {
  const client = require('redis').createClient({ url: settings.url })
  await client.connect()
  const key = id => (settings.prefix ?? 'session:') + id
  return {
    async get (id) {
      const text = await client.get(key(id))
      return text ? JSON.parse(text) : null
    },
    set: (id, data) => settings.ttl
      ? client.setEx(key(id), Math.max(1, Math.floor(settings.ttl)), JSON.stringify(data))
      : client.set(key(id), JSON.stringify(data)),
    destroy: id => client.del(key(id)),
    close: () => client.quit()
  }
}

// What the cookie holds is the session.
const cookieStore = { get: null, set: null, destroy: async () => {}, close: async () => {} }

async function read (store, value) {
  const text = parse(value)
  if (text === null || text === '') return { id: crypto.randomUUID(), data: [{}, {}] }
  if (settings.storage === 'cookie') {
    try {
      const { i, d } = JSON.parse(text)
      return { id: i, data: d }
    } catch {
      return { id: crypto.randomUUID(), data: [{}, {}] }
    }
  }
  const data = await store.get(text)
  return data ? { id: text, data } : { id: crypto.randomUUID(), data: [{}, {}] }
}

async function serve (store, request) {
  const { id: original, data } = await read(store, request.cookie)
  const [values, shown] = data
  const next = {}
  let id = original
  let deleteID
  let isDestroyed = false
  // A flash value that was shown is cleared by the save.
  let isDirty = Object.keys(shown).length > 0
  for (const [verb, key, value] of request.do ?? []) {
    switch (verb) {
      case 'increment': values[key] = (values[key] ?? 0) + 1; break
      case 'set': values[key] = value; break
      case 'unset': delete values[key]; break
      case 'flash': next[key] = value; break
      case 'regenerate':
        id = crypto.randomUUID()
        if (key === 'delete') deleteID = original
        break
      case 'destroy': isDestroyed = true; break
      default: throw new Error(`no verb ${verb}`)
    }
    isDirty = true
  }
  if (deleteID !== undefined) await store.destroy(deleteID)
  if (isDestroyed) {
    await store.destroy(id)
    return { id, session: null, flash: {}, cookie: '' }
  }
  if (!isDirty) return { id, session: values, flash: shown, cookie: null }
  if (settings.storage === 'cookie') {
    return { id, session: values, flash: shown, cookie: serialize(JSON.stringify({ i: id, d: [values, next] })) }
  }
  await store.set(id, [values, next])
  return { id, session: values, flash: shown, cookie: serialize(id) }
}

async function main () {
  const stores = { files: fileStore, redis: redisStore, cookie: () => cookieStore }
  const store = await stores[settings.storage]()
  for (const request of settings.requests) console.log(JSON.stringify(await serve(store, request)))
  await store.close()
  process.exit(0)
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
