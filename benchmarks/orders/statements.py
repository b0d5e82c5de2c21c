"""The statements of the endpoint by hand, in SQL that SQLite and PostgreSQL both take."""

USER = "SELECT id, email, is_active, is_verified FROM users WHERE id = :id"

CLAIM = """
INSERT INTO idempotency_key (id, created_at, owner, key, path, content, status, body, access)
VALUES (:id, :now, :owner, :key, '/orders', :content, 0, '', '')
ON CONFLICT (owner, key) DO NOTHING RETURNING id"""

CONSUME = "DELETE FROM cart_item WHERE user_id = :user RETURNING product_id, quantity"

TAKE = """
UPDATE product SET stock = stock - :quantity, updated_at = :now
WHERE id = :id AND stock >= :quantity AND max_per_order >= :quantity AND is_active AND deleted_at IS NULL
RETURNING id, sku, name, price"""

ORDER = """
INSERT INTO orders (id, created_at, updated_at, number, status, user_id, email, currency, ship_name, ship_address,
    phone, note, items_total, discount_total, shipping_total, tax_total, grand_total, placed_at, payment_due_at)
VALUES (:id, :now, :now, :number, 'pending', :user, :email, 'EUR', :ship_name, :ship_address, :phone, :note,
    :total, 0, 0, 0, :total, :now, :due)"""

ITEMS = (
    """
INSERT INTO order_item (id, created_at, updated_at, order_id, product_id, sku, product_name, unit_price, quantity,
    line_total) VALUES """,
    "(:id{n}, :now{n}, :now{n}, :order{n}, :product{n}, :sku{n}, :name{n}, :price{n}, :quantity{n}, :line{n})",
)

MOVEMENTS = (
    """
INSERT INTO stock_movement (id, created_at, updated_at, product_id, delta, reason, order_item_id, actor_id) VALUES """,
    "(:id{n}, :now{n}, :now{n}, :product{n}, :delta{n}, 'sale', :item{n}, :actor{n})",
)

EVENT = """
INSERT INTO order_event (id, created_at, updated_at, order_id, to_status, actor_id)
VALUES (:id, :now, :now, :order, 'pending', :actor)"""

ROW = "SELECT * FROM orders WHERE id = :id"

KEEP = "UPDATE idempotency_key SET status = 201, row_id = :row, body = :body WHERE owner = :owner AND key = :key"


def many(statement: tuple[str, str], count: int) -> str:
    """The statement for so many rows."""
    head, row = statement
    return head + ", ".join(row.format(n=number) for number in range(count))
