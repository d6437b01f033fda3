/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <gio/gio.h>

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-ext-registry.h"
#include "msgpack-rpc-value.h"
#include "msgpack-rpc-variant.h"

#define N_EXT_TYPES 256
#define TIMESTAMP (-1)

/* An encoder or a decoder. An atomic rc box. */
typedef struct
{
  union
  {
    MsgpackRpcExtEncoder encode;
    MsgpackRpcExtDecoder decode;
  };
  gpointer user_data;
  GDestroyNotify destroy;
  GThread *thread;       /* which has added it */
  GMainContext *context; /* and its thread-default context */
} Converter;

/* What an ext type stands for. */
typedef struct
{
  GType value_type;   /* G_TYPE_INVALID: nothing; G_TYPE_VARIANT: of @type; else boxed */
  GVariantType *type; /* nullable */
  Converter *encoder; /* nullable */
  Converter *decoder; /* nullable */
} Entry;

/**
 * MsgpackRpcExtRegistry:
 *
 * What the ext types of a protocol mean.
 *
 * MessagePack leaves the ext types from 0 to 127 to applications. A registry knows which of them
 * stand for what, and takes a value out of an ext or puts one in: [method@ExtRegistry.decode] and
 * [method@ExtRegistry.encode]. It does so for values that it is given; nothing is changed in
 * messages.
 *
 * An ext type stands for one of two kinds of values:
 *
 * - A `GVariant` type, added with [method@ExtRegistry.add_variant_type]. The data is then one value
 *   in MessagePack. The buffers, windows and tab pages of Neovim, for one, are the ext types 0, 1
 *   and 2 of the type `x`.
 * - A boxed type, added with [method@ExtRegistry.add_decoder] and [method@ExtRegistry.add_encoder],
 *   or one of them. These read and write the data in any way.
 *
 * A new registry has one of them: -1, the timestamp, for a [struct@GLib.DateTime], with whole
 * microseconds.
 *
 * In Python and JavaScript any object can be the value of a boxed type, `GObject.TYPE_PYOBJECT` or
 * `GObject.TYPE_JSOBJECT`.
 *
 * A registry belongs to no context: any thread may use it at any time. Encoders and decoders run in
 * the thread that encodes or decodes, with no lock held, so they may use the registry. Their data
 * is let go when they were removed and have returned, in the thread that added them: if that is not
 * the current one, its thread-default context of then does it.
 *
 * Since: 1.0
 */
struct _MsgpackRpcExtRegistry
{
  GObject parent_instance;

  GMutex lock;                /* guards what follows */
  Entry entries[N_EXT_TYPES]; /* by the ext type, from G_MININT8 on */
};

G_DEFINE_FINAL_TYPE (MsgpackRpcExtRegistry, msgpack_rpc_ext_registry, G_TYPE_OBJECT)

static Converter *
converter_new (gpointer       user_data,
               GDestroyNotify destroy)
{
  Converter *self = g_atomic_rc_box_new0 (Converter);

  self->user_data = user_data;
  self->destroy = destroy;
  self->thread = g_thread_ref (g_thread_self ());
  self->context = g_main_context_ref_thread_default ();
  return self;
}

static gboolean
destroy_user_data (gpointer data)
{
  Converter *self = data;

  self->destroy (self->user_data);
  return G_SOURCE_REMOVE;
}

/* In the thread that the data belongs to. */
static void
post_destroy (Converter *self)
{
  GSource *source = g_idle_source_new ();

  g_source_set_static_name (source, "MsgpackRpcExtRegistry user data");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, destroy_user_data, g_memdup2 (self, sizeof *self), g_free);
  g_source_attach (source, self->context);
  /* Before the context is let go, which locks what another thread may be about to free. */
  g_source_unref (source);
}

/* With no lock held. A language may crash if its data is let go in a thread unknown to it. */
static void
converter_clear (gpointer data)
{
  Converter *self = data;

  if (self->destroy != NULL && self->thread == g_thread_self ())
    self->destroy (self->user_data);
  else if (self->destroy != NULL)
    post_destroy (self);

  g_thread_unref (self->thread);
  g_main_context_unref (self->context);
}

static void
converter_unref (Converter *self)
{
  g_atomic_rc_box_release_full (self, converter_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Converter, converter_unref)

static void
entry_copy (const Entry *self,
            Entry       *copy)
{
  copy->value_type = self->value_type;
  copy->type = self->type != NULL ? g_variant_type_copy (self->type) : NULL;
  copy->encoder = self->encoder != NULL ? g_atomic_rc_box_acquire (self->encoder) : NULL;
  copy->decoder = self->decoder != NULL ? g_atomic_rc_box_acquire (self->decoder) : NULL;
}

/* With no lock held. */
static void
entry_clear (Entry *self)
{
  g_clear_pointer (&self->type, g_variant_type_free);
  g_clear_pointer (&self->encoder, converter_unref);
  g_clear_pointer (&self->decoder, converter_unref);
  self->value_type = G_TYPE_INVALID;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Entry, entry_clear)

/* What it stands for, as errors say it. */
static const char *
entry_get_name (const Entry *self)
{
  return self->type != NULL ? g_variant_type_peek_string (self->type)
                            : g_type_name (self->value_type);
}

/* Says in @error, if there is one, which ext type it is about. */
static void
prefix_error (GError      **error,
              int           ext_type,
              const Entry  *entry)
{
  g_prefix_error (error, "Ext type %d (%s): ", ext_type, entry_get_name (entry));
}

static gboolean
check_ext_type (int      ext_type,
                GError **error)
{
  if (ext_type >= G_MININT8 && ext_type <= G_MAXINT8)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "Ext types are from -128 to 127, not %d", ext_type);
  return FALSE;
}

/* With the lock held. */
static Entry *
get_entry (MsgpackRpcExtRegistry *self,
           int                    ext_type)
{
  return &self->entries[ext_type - G_MININT8];
}

/* Sets @copy, which is empty if nothing is registered. */
static void
copy_entry (MsgpackRpcExtRegistry *self,
            int                    ext_type,
            Entry                 *copy)
{
  g_mutex_lock (&self->lock);
  entry_copy (get_entry (self, ext_type), copy);
  g_mutex_unlock (&self->lock);
}

static void
fail_exists (int           ext_type,
             const Entry  *entry,
             GError      **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
               "Ext type %d is registered already, for %s", ext_type, entry_get_name (entry));
}

static void
fail_unknown (int      ext_type,
              GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               "Nothing is registered for ext type %d", ext_type);
}

static GBytes *
encode_time (const GValue  *value,
             gpointer       user_data G_GNUC_UNUSED,
             GError       **error G_GNUC_UNUSED)
{
  g_autoptr(GVariant) ext = NULL;
  GBytes *data;

  ext = g_variant_ref_sink (msgpack_rpc_variant_new_timestamp (g_value_get_boxed (value)));
  msgpack_rpc_variant_get_ext (ext, NULL, &data);

  return data;
}

static gboolean
decode_time (GBytes    *data,
             GValue    *value,
             gpointer   user_data G_GNUC_UNUSED,
             GError   **error)
{
  g_autoptr(GVariant) ext = NULL;
  g_autoptr(GDateTime) time = NULL;

  ext = g_variant_ref_sink (msgpack_rpc_variant_new_ext (TIMESTAMP, data));
  time = msgpack_rpc_variant_get_timestamp (ext);
  if (time == NULL)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "expected a time in the years 1 to 9999, got %" G_GSIZE_FORMAT " bytes that "
                   "are none", g_bytes_get_size (data));
      return FALSE;
    }

  g_value_init (value, G_TYPE_DATE_TIME);
  g_value_take_boxed (value, g_steal_pointer (&time));
  return TRUE;
}

static void
msgpack_rpc_ext_registry_finalize (GObject *object)
{
  MsgpackRpcExtRegistry *self = MSGPACK_RPC_EXT_REGISTRY (object);

  for (gsize i = 0; i < N_EXT_TYPES; i++)
    entry_clear (&self->entries[i]);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_ext_registry_parent_class)->finalize (object);
}

static void
msgpack_rpc_ext_registry_class_init (MsgpackRpcExtRegistryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = msgpack_rpc_ext_registry_finalize;
}

static void
msgpack_rpc_ext_registry_init (MsgpackRpcExtRegistry *self)
{
  Entry *timestamp = get_entry (self, TIMESTAMP);

  g_mutex_init (&self->lock);

  timestamp->value_type = G_TYPE_DATE_TIME;
  timestamp->encoder = converter_new (NULL, NULL);
  timestamp->encoder->encode = encode_time;
  timestamp->decoder = converter_new (NULL, NULL);
  timestamp->decoder->decode = decode_time;
}

/**
 * msgpack_rpc_ext_registry_new:
 *
 * Makes a registry that knows the timestamp.
 *
 * Returns: (transfer full): a registry
 *
 * Since: 1.0
 */
MsgpackRpcExtRegistry *
msgpack_rpc_ext_registry_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_EXT_REGISTRY, NULL);
}

/**
 * msgpack_rpc_ext_registry_add_variant_type:
 * @self: a registry
 * @ext_type: the ext type, from -128 to 127
 * @type_string: a definite `GVariant` type, such as `x` or `(dd)`; `v` takes any value
 * @error: return location for an error
 *
 * Makes an ext type stand for a `GVariant` type. The data of the ext is one value in MessagePack.
 *
 * Fails with `G_IO_ERROR_EXISTS` if the ext type stands for something already: remove that first.
 * Fails with `G_IO_ERROR_INVALID_ARGUMENT` if there is no such ext type or @type_string is none of
 * a definite type.
 *
 * Several ext types may stand for the same type.
 *
 * Returns: `TRUE`, or `FALSE` with @error set
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_ext_registry_add_variant_type (MsgpackRpcExtRegistry  *self,
                                           int                     ext_type,
                                           const char             *type_string,
                                           GError                **error)
{
  Entry *entry;
  gboolean is_free;

  g_return_val_if_fail (MSGPACK_RPC_IS_EXT_REGISTRY (self), FALSE);
  g_return_val_if_fail (type_string != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_ext_type (ext_type, error))
    return FALSE;

  if (!g_variant_type_string_is_valid (type_string) ||
      !g_variant_type_is_definite (G_VARIANT_TYPE (type_string)))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "Ext type %d: “%s” is no definite GVariant type", ext_type, type_string);
      return FALSE;
    }

  g_mutex_lock (&self->lock);
  entry = get_entry (self, ext_type);
  is_free = entry->value_type == G_TYPE_INVALID;
  if (is_free)
    {
      entry->value_type = G_TYPE_VARIANT;
      entry->type = g_variant_type_new (type_string);
    }
  else
    {
      fail_exists (ext_type, entry, error);
    }
  g_mutex_unlock (&self->lock);

  return is_free;
}

/* Takes @converter, which is let go if it cannot be added. */
static gboolean
add_converter (MsgpackRpcExtRegistry  *self,
               int                     ext_type,
               GType                   boxed_type,
               gboolean                is_encoder,
               Converter              *converter,
               GError                **error)
{
  g_autoptr(Converter) owned = converter;
  Converter **place;
  Entry *entry;
  gboolean is_free;

  if (!check_ext_type (ext_type, error))
    return FALSE;

  if (!G_TYPE_IS_BOXED (boxed_type) || !G_TYPE_IS_VALUE (boxed_type))
    {
      const char *name = g_type_name (boxed_type);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "Ext type %d: %s is no boxed type", ext_type, name != NULL ? name : "this");
      return FALSE;
    }

  g_mutex_lock (&self->lock);
  entry = get_entry (self, ext_type);
  place = is_encoder ? &entry->encoder : &entry->decoder;
  is_free = entry->value_type == G_TYPE_INVALID ||
            (entry->value_type == boxed_type && *place == NULL);
  if (is_free)
    {
      entry->value_type = boxed_type;
      *place = g_steal_pointer (&owned);
    }
  else
    {
      fail_exists (ext_type, entry, error);
    }
  g_mutex_unlock (&self->lock);

  return is_free;
}

/**
 * msgpack_rpc_ext_registry_add_encoder:
 * @self: a registry
 * @ext_type: the ext type, from -128 to 127
 * @boxed_type: the boxed type that it stands for
 * @encoder: (scope notified) (closure user_data) (destroy user_data_destroy): what makes the data
 *   of an ext from a value
 * @user_data: data for @encoder
 * @user_data_destroy: (nullable): lets go of @user_data
 * @error: return location for an error
 *
 * Makes an ext type stand for a boxed type, and says how its values are written.
 *
 * Fails with `G_IO_ERROR_EXISTS` if the ext type stands for another type or has an encoder already:
 * remove that first. Fails with `G_IO_ERROR_INVALID_ARGUMENT` if there is no such ext type or
 * @boxed_type is none. @user_data is then let go at once.
 *
 * Returns: `TRUE`, or `FALSE` with @error set
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_ext_registry_add_encoder (MsgpackRpcExtRegistry  *self,
                                      int                     ext_type,
                                      GType                   boxed_type,
                                      MsgpackRpcExtEncoder    encoder,
                                      gpointer                user_data,
                                      GDestroyNotify          user_data_destroy,
                                      GError                **error)
{
  Converter *converter;

  g_return_val_if_fail (MSGPACK_RPC_IS_EXT_REGISTRY (self), FALSE);
  g_return_val_if_fail (encoder != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  converter = converter_new (user_data, user_data_destroy);
  converter->encode = encoder;

  return add_converter (self, ext_type, boxed_type, TRUE, converter, error);
}

/**
 * msgpack_rpc_ext_registry_add_decoder:
 * @self: a registry
 * @ext_type: the ext type, from -128 to 127
 * @boxed_type: the boxed type that it stands for
 * @decoder: (scope notified) (closure user_data) (destroy user_data_destroy): what makes a value
 *   from the data of an ext
 * @user_data: data for @decoder
 * @user_data_destroy: (nullable): lets go of @user_data
 * @error: return location for an error
 *
 * Makes an ext type stand for a boxed type, and says how its values are read.
 *
 * Fails as [method@ExtRegistry.add_encoder] does.
 *
 * Returns: `TRUE`, or `FALSE` with @error set
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_ext_registry_add_decoder (MsgpackRpcExtRegistry  *self,
                                      int                     ext_type,
                                      GType                   boxed_type,
                                      MsgpackRpcExtDecoder    decoder,
                                      gpointer                user_data,
                                      GDestroyNotify          user_data_destroy,
                                      GError                **error)
{
  Converter *converter;

  g_return_val_if_fail (MSGPACK_RPC_IS_EXT_REGISTRY (self), FALSE);
  g_return_val_if_fail (decoder != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  converter = converter_new (user_data, user_data_destroy);
  converter->decode = decoder;

  return add_converter (self, ext_type, boxed_type, FALSE, converter, error);
}

/**
 * msgpack_rpc_ext_registry_remove:
 * @self: a registry
 * @ext_type: an ext type
 *
 * Makes an ext type stand for nothing. Something else can then be added for it.
 *
 * Returns: `TRUE` if it stood for something
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_ext_registry_remove (MsgpackRpcExtRegistry *self,
                                 int                    ext_type)
{
  g_auto(Entry) removed = { 0 };

  g_return_val_if_fail (MSGPACK_RPC_IS_EXT_REGISTRY (self), FALSE);

  if (!check_ext_type (ext_type, NULL))
    return FALSE;

  g_mutex_lock (&self->lock);
  removed = *get_entry (self, ext_type);
  *get_entry (self, ext_type) = (Entry) { 0 };
  g_mutex_unlock (&self->lock);

  return removed.value_type != G_TYPE_INVALID;
}

/* Gives @value the declared type, and the error a code that says on which side the fault is. */
static GVariant *
coerce (GVariant            *value,
        const GVariantType  *type,
        const char          *path,
        MsgpackRpcError      code,
        GError             **error)
{
  g_autoptr(GError) local_error = NULL;
  GVariant *coerced = _msgpack_rpc_coerce (value, type, path, &local_error);

  if (coerced == NULL)
    g_set_error_literal (error, MSGPACK_RPC_ERROR, code, local_error->message);

  return coerced;
}

static gboolean
decode_variant (const Entry  *entry,
                GBytes       *data,
                GValue       *value,
                GError      **error)
{
  g_autoptr(GVariant) body = msgpack_rpc_unpack (data, error);
  GVariant *coerced;

  if (body == NULL)
    return FALSE;

  coerced = coerce (body, entry->type, "data", MSGPACK_RPC_ERROR_INVALID_MESSAGE, error);
  if (coerced == NULL)
    return FALSE;

  g_value_init (value, G_TYPE_VARIANT);
  g_value_take_variant (value, coerced);
  return TRUE;
}

/* Whether @value is one of the boxed type, and not empty. */
static gboolean
check_boxed (const Entry   *entry,
             const GValue  *value,
             const char    *giver,
             GError       **error)
{
  const char *got = G_IS_VALUE (value) ? G_VALUE_TYPE_NAME (value) : "nothing";

  if (G_VALUE_HOLDS (value, entry->value_type))
    {
      if (g_value_get_boxed (value) != NULL)
        return TRUE;
      got = "NULL";
    }

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
               "expected a %s from the %s, got %s", g_type_name (entry->value_type), giver, got);
  return FALSE;
}

/* An exception in a language may leave no error; @error is never NULL here. */
static void
ensure_error (GError     **error,
              const char  *text)
{
  if (*error == NULL)
    g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED, text);
}

static gboolean
decode_boxed (const Entry  *entry,
              GBytes       *data,
              GValue       *value,
              GError      **error)
{
  Converter *decoder = entry->decoder;

  if (decoder == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no decoder");
      return FALSE;
    }

  if (!decoder->decode (data, value, decoder->user_data, error))
    {
      ensure_error (error, "the decoder failed");
      return FALSE;
    }

  g_clear_error (error);
  return check_boxed (entry, value, "decoder", error);
}

/**
 * msgpack_rpc_ext_registry_decode:
 * @self: a registry
 * @ext: a value that should be an ext, of the type `(hay)`, in a variant or not
 * @value: where to put the value: all zeros, such as `G_VALUE_INIT`, or in Python a new
 *   `GObject.Value()`
 * @error: return location for an error
 *
 * Takes the value out of an ext. [method@ExtRegistry.decode_variant] does so where it is a
 * [struct@GLib.Variant], and [method@ExtRegistry.decode_value] is for JavaScript.
 *
 * For an ext type that stands for a `GVariant` type, @value holds a [struct@GLib.Variant] of
 * exactly that type; numbers are converted if they fit, as parameters of a method are. Else @value
 * holds what the decoder made. It stays empty if this fails.
 *
 * Fails with `G_IO_ERROR_NOT_FOUND` if the ext type stands for nothing or has no decoder; with
 * `MSGPACK_RPC_ERROR_INVALID_MESSAGE` if @ext is no ext or its data does not fit the type; with
 * `MSGPACK_RPC_ERROR_TOO_LARGE` or `MSGPACK_RPC_ERROR_TOO_DEEP` beyond the limits that
 * [func@unpack] has; with what the decoder failed with; and with `MSGPACK_RPC_ERROR_INVALID_VALUE`
 * if it made something else. The text names the ext type, what was expected, and what came.
 *
 * Returns: `TRUE`, or `FALSE` with @error set
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_ext_registry_decode (MsgpackRpcExtRegistry  *self,
                                 GVariant               *ext,
                                 GValue                 *value,
                                 GError                **error)
{
  g_autoptr(GBytes) data = NULL;
  g_autoptr(GError) local_error = NULL;
  g_auto(Entry) entry = { 0 };
  gboolean decoded;
  int ext_type;

  g_return_val_if_fail (MSGPACK_RPC_IS_EXT_REGISTRY (self), FALSE);
  g_return_val_if_fail (ext != NULL, FALSE);
  g_return_val_if_fail (value != NULL && !G_IS_VALUE (value), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!msgpack_rpc_variant_get_ext (ext, &ext_type, &data))
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "Expected an extension value, got one of the type “%s”",
                   g_variant_get_type_string (ext));
      return FALSE;
    }

  copy_entry (self, ext_type, &entry);
  if (entry.value_type == G_TYPE_INVALID)
    {
      fail_unknown (ext_type, error);
      return FALSE;
    }

  decoded = entry.type != NULL ? decode_variant (&entry, data, value, &local_error)
                               : decode_boxed (&entry, data, value, &local_error);
  if (decoded)
    return TRUE;

  if (G_IS_VALUE (value))
    g_value_unset (value);
  prefix_error (&local_error, ext_type, &entry);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/**
 * msgpack_rpc_ext_registry_decode_variant:
 * @self: a registry
 * @ext: a value that should be an ext, of the type `(hay)`, in a variant or not
 * @error: return location for an error
 *
 * Takes the value out of an ext whose type stands for a `GVariant` type.
 *
 * Fails as [method@ExtRegistry.decode] does, and with `MSGPACK_RPC_ERROR_INVALID_VALUE` if the ext
 * type stands for a boxed type.
 *
 * Returns: (transfer full): a value of exactly that type, or `NULL` with @error set
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_ext_registry_decode_variant (MsgpackRpcExtRegistry  *self,
                                         GVariant               *ext,
                                         GError                **error)
{
  g_auto(GValue) value = G_VALUE_INIT;

  if (!msgpack_rpc_ext_registry_decode (self, ext, &value, error))
    return NULL;

  if (G_VALUE_HOLDS_VARIANT (&value))
    return g_value_dup_variant (&value);

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
               "Expected an ext type that stands for a GVariant type, got one that stands for %s",
               G_VALUE_TYPE_NAME (&value));
  return NULL;
}

/**
 * msgpack_rpc_ext_registry_decode_value:
 * @self: a registry
 * @ext: a value that should be an ext, of the type `(hay)`, in a variant or not
 * @error: return location for an error
 *
 * Takes the value out of an ext, for JavaScript, which gets the very object that is in the
 * `GValue`.
 *
 * PyGObject never frees what this returns: use [method@ExtRegistry.decode] in Python. C frees it
 * with [func@GObject.boxed_free]. Fails as [method@ExtRegistry.decode] does.
 *
 * Returns: (transfer full): the value, or `NULL` with @error set
 *
 * Since: 1.0
 */
GValue *
msgpack_rpc_ext_registry_decode_value (MsgpackRpcExtRegistry  *self,
                                       GVariant               *ext,
                                       GError                **error)
{
  GValue value = G_VALUE_INIT;

  if (!msgpack_rpc_ext_registry_decode (self, ext, &value, error))
    return NULL;

  return g_memdup2 (&value, sizeof value);
}

/* A number, boolean or text as a variant, for languages that make a GValue of these by themselves.
 * NULL for others. Not floating. */
static GVariant *
variant_from_value (const GValue *value)
{
  g_auto(GValue) number = G_VALUE_INIT;
  GVariant *variant = NULL;

  if (G_VALUE_HOLDS_VARIANT (value))
    return g_value_dup_variant (value);

  if (G_VALUE_HOLDS_BOOLEAN (value))
    {
      variant = g_variant_new_boolean (g_value_get_boolean (value));
    }
  else if (G_VALUE_HOLDS_STRING (value))
    {
      const char *text = g_value_get_string (value);

      if (text != NULL && g_utf8_validate (text, -1, NULL))
        variant = g_variant_new_string (text);
    }
  else if (G_VALUE_HOLDS_DOUBLE (value) || G_VALUE_HOLDS_FLOAT (value))
    {
      g_value_init (&number, G_TYPE_DOUBLE);
      if (g_value_transform (value, &number))
        variant = g_variant_new_double (g_value_get_double (&number));
    }
  else if (G_VALUE_HOLDS_UINT64 (value) || G_VALUE_HOLDS_ULONG (value))
    {
      g_value_init (&number, G_TYPE_UINT64);
      if (g_value_transform (value, &number))
        variant = g_variant_new_uint64 (g_value_get_uint64 (&number));
    }
  else
    {
      g_value_init (&number, G_TYPE_INT64);
      if (g_value_transform (value, &number))
        variant = g_variant_new_int64 (g_value_get_int64 (&number));
    }

  return variant != NULL ? g_variant_ref_sink (variant) : NULL;
}

static GBytes *
encode_variant (const Entry   *entry,
                const GValue  *value,
                GError       **error)
{
  g_autoptr(GVariant) given = variant_from_value (value);
  g_autoptr(GVariant) coerced = NULL;

  if (given == NULL)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                   "expected a value that fits the type, got a %s", G_VALUE_TYPE_NAME (value));
      return NULL;
    }

  coerced = coerce (given, entry->type, "value", MSGPACK_RPC_ERROR_INVALID_VALUE, error);

  return coerced != NULL ? msgpack_rpc_pack (coerced, error) : NULL;
}

static GBytes *
encode_boxed (const Entry   *entry,
              const GValue  *value,
              GError       **error)
{
  Converter *encoder = entry->encoder;
  GBytes *data;

  if (encoder == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no encoder");
      return NULL;
    }

  if (!check_boxed (entry, value, "caller", error))
    return NULL;

  data = encoder->encode (value, encoder->user_data, error);
  if (data == NULL)
    ensure_error (error, "the encoder failed");

  return data;
}

static GVariant *
encode_entry (int            ext_type,
              const Entry   *entry,
              const GValue  *value,
              GError       **error)
{
  g_autoptr(GError) local_error = NULL;
  g_autoptr(GBytes) data = NULL;

  data = entry->type != NULL ? encode_variant (entry, value, &local_error)
                             : encode_boxed (entry, value, &local_error);
  if (data != NULL)
    return g_variant_ref_sink (msgpack_rpc_variant_new_ext (ext_type, data));

  prefix_error (&local_error, ext_type, entry);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

/* Whether the entry is what a value of this type is written as; @variant is in @value or NULL. */
static gboolean
entry_writes (const Entry  *self,
              const GValue *value,
              GVariant     *variant)
{
  if (self->type != NULL)
    return variant != NULL && g_variant_is_of_type (variant, self->type);

  return self->encoder != NULL && G_VALUE_TYPE (value) == self->value_type;
}

/* Sets @found to the one entry that writes @value. */
static gboolean
find_entry (MsgpackRpcExtRegistry  *self,
            const GValue           *value,
            int                    *ext_type,
            Entry                  *found,
            GError                **error)
{
  GVariant *variant = G_VALUE_HOLDS_VARIANT (value) ? g_value_get_variant (value) : NULL;
  const char *name = variant != NULL ? g_variant_get_type_string (variant)
                                     : G_VALUE_TYPE_NAME (value);
  int types[2] = { 0, 0 };
  guint n = 0;

  g_mutex_lock (&self->lock);
  for (int i = G_MININT8; i <= G_MAXINT8 && n < 2; i++)
    if (entry_writes (get_entry (self, i), value, variant))
      types[n++] = i;
  if (n == 1)
    entry_copy (get_entry (self, types[0]), found);
  g_mutex_unlock (&self->lock);

  *ext_type = types[0];
  if (n == 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                 "No ext type is registered for values of the type %s", name);
  else if (n > 1)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "Both ext types %d and %d are registered for values of the type %s",
                 types[0], types[1], name);

  return n == 1;
}

/**
 * msgpack_rpc_ext_registry_encode:
 * @self: a registry
 * @value: a value of a boxed type, or a [struct@GLib.Variant]
 * @error: return location for an error
 *
 * Puts a value in an ext of the type that stands for the value's own: for its boxed type, or for
 * exactly its `GVariant` type.
 *
 * Fails with `G_IO_ERROR_NOT_FOUND` if there is no such ext type, with
 * `G_IO_ERROR_INVALID_ARGUMENT` if there are several, and as [method@ExtRegistry.encode_as] does.
 *
 * Returns: (transfer full): a value of the type `(hay)`, or `NULL` with @error set
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_ext_registry_encode (MsgpackRpcExtRegistry  *self,
                                 const GValue           *value,
                                 GError                **error)
{
  g_auto(Entry) entry = { 0 };
  int ext_type;

  g_return_val_if_fail (MSGPACK_RPC_IS_EXT_REGISTRY (self), NULL);
  g_return_val_if_fail (G_IS_VALUE (value), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!find_entry (self, value, &ext_type, &entry, error))
    return NULL;

  return encode_entry (ext_type, &entry, value, error);
}

/**
 * msgpack_rpc_ext_registry_encode_as:
 * @self: a registry
 * @ext_type: the ext type, from -128 to 127
 * @value: the value
 * @error: return location for an error
 *
 * Puts a value in an ext of a given type.
 *
 * If the ext type stands for a `GVariant` type, @value may be a [struct@GLib.Variant] that fits it
 * as parameters fit the signature of a method, or a plain number, boolean or string.
 *
 * Fails with `G_IO_ERROR_NOT_FOUND` if the ext type stands for nothing or has no encoder; with
 * `MSGPACK_RPC_ERROR_INVALID_VALUE` if @value does not fit; with `MSGPACK_RPC_ERROR_TOO_LARGE` if
 * the data would be 2 GiB or more; and with what the encoder failed with. The text names the ext
 * type, what was expected, and what came.
 *
 * Returns: (transfer full): a value of the type `(hay)`, or `NULL` with @error set
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_ext_registry_encode_as (MsgpackRpcExtRegistry  *self,
                                    int                     ext_type,
                                    const GValue           *value,
                                    GError                **error)
{
  g_auto(Entry) entry = { 0 };

  g_return_val_if_fail (MSGPACK_RPC_IS_EXT_REGISTRY (self), NULL);
  g_return_val_if_fail (G_IS_VALUE (value), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!check_ext_type (ext_type, error))
    return NULL;

  copy_entry (self, ext_type, &entry);
  if (entry.value_type == G_TYPE_INVALID)
    {
      fail_unknown (ext_type, error);
      return NULL;
    }

  return encode_entry (ext_type, &entry, value, error);
}

/**
 * msgpack_rpc_ext_registry_get_ext_types:
 * @self: a registry
 * @n_ext_types: (out): return location for the number of ext types
 *
 * Gets the ext types that stand for something.
 *
 * Returns: (transfer full) (array length=n_ext_types) (nullable): the ext types in ascending order,
 *   or `NULL` if there is none
 *
 * Since: 1.0
 */
int *
msgpack_rpc_ext_registry_get_ext_types (MsgpackRpcExtRegistry *self,
                                        gsize                 *n_ext_types)
{
  int ext_types[N_EXT_TYPES];
  gsize n = 0;

  g_return_val_if_fail (MSGPACK_RPC_IS_EXT_REGISTRY (self), NULL);
  g_return_val_if_fail (n_ext_types != NULL, NULL);

  g_mutex_lock (&self->lock);
  for (int i = G_MININT8; i <= G_MAXINT8; i++)
    if (get_entry (self, i)->value_type != G_TYPE_INVALID)
      ext_types[n++] = i;
  g_mutex_unlock (&self->lock);

  *n_ext_types = n;
  return g_memdup2 (ext_types, n * sizeof *ext_types);
}

/**
 * msgpack_rpc_ext_registry_get_value_type:
 * @self: a registry
 * @ext_type: an ext type
 *
 * Gets the type of the values that [method@ExtRegistry.decode] makes from an ext type.
 *
 * Returns: `G_TYPE_VARIANT`, a boxed type, or `G_TYPE_INVALID` if the ext type stands for nothing
 *
 * Since: 1.0
 */
GType
msgpack_rpc_ext_registry_get_value_type (MsgpackRpcExtRegistry *self,
                                         int                    ext_type)
{
  g_auto(Entry) entry = { 0 };

  g_return_val_if_fail (MSGPACK_RPC_IS_EXT_REGISTRY (self), G_TYPE_INVALID);

  if (check_ext_type (ext_type, NULL))
    copy_entry (self, ext_type, &entry);

  return entry.value_type;
}

/**
 * msgpack_rpc_ext_registry_get_type_string:
 * @self: a registry
 * @ext_type: an ext type
 *
 * Gets the `GVariant` type that an ext type stands for.
 *
 * Returns: (transfer full) (nullable): the type string, or `NULL` if it stands for none
 *
 * Since: 1.0
 */
char *
msgpack_rpc_ext_registry_get_type_string (MsgpackRpcExtRegistry *self,
                                          int                    ext_type)
{
  g_auto(Entry) entry = { 0 };

  g_return_val_if_fail (MSGPACK_RPC_IS_EXT_REGISTRY (self), NULL);

  if (check_ext_type (ext_type, NULL))
    copy_entry (self, ext_type, &entry);

  return entry.type != NULL ? g_variant_type_dup_string (entry.type) : NULL;
}
