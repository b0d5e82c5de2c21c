"""What always holds between products, orders and money, each as one statement that finds what breaks it."""

from collections.abc import Iterable

from sqlalchemy import text

from charter import Invariant, Transaction

STATEMENTS = {
    "negative stock": "SELECT sku FROM product WHERE stock < 0",
    "stock is the sum of its movements": """
        SELECT p.sku, p.stock, SUM(m.delta) FROM product p LEFT JOIN stock_movement m ON m.product_id = p.id
        GROUP BY p.id, p.sku, p.stock HAVING p.stock <> COALESCE(SUM(m.delta), 0)""",
    "what came in is on hand or sold": """
        SELECT p.sku FROM product p WHERE
            (SELECT COALESCE(SUM(m.delta), 0) FROM stock_movement m
             WHERE m.product_id = p.id AND m.reason NOT IN ('sale', 'cancel', 'return'))
            <> p.stock + (SELECT COALESCE(SUM(i.quantity), 0) FROM order_item i WHERE i.product_id = p.id
                AND NOT EXISTS (SELECT 1 FROM stock_movement b
                                WHERE b.order_item_id = i.id AND b.reason IN ('cancel', 'return')))""",
    "totals are the sums of their lines": """
        SELECT o.number FROM orders o LEFT JOIN order_item i ON i.order_id = o.id
        GROUP BY o.id, o.number, o.items_total, o.discount_total, o.shipping_total, o.tax_total, o.grand_total
        HAVING o.items_total <> COALESCE(SUM(i.unit_price * i.quantity), 0)
            OR o.items_total <> COALESCE(SUM(i.line_total), 0)
            OR o.grand_total <> o.items_total - o.discount_total + o.shipping_total + o.tax_total""",
    "every order has items": """
        SELECT o.number FROM orders o WHERE NOT EXISTS (SELECT 1 FROM order_item i WHERE i.order_id = o.id)""",
    "every item was taken from stock once": """
        SELECT i.id, i.sku FROM order_item i LEFT JOIN stock_movement m ON m.order_item_id = i.id AND m.reason = 'sale'
        GROUP BY i.id, i.sku HAVING COUNT(m.id) <> 1
            OR SUM(CASE WHEN m.delta = -i.quantity AND m.product_id = i.product_id THEN 1 ELSE 0 END) <> 1""",
    "cancelled orders gave their stock back once": """
        SELECT o.number, i.sku FROM orders o JOIN order_item i ON i.order_id = o.id
        LEFT JOIN stock_movement m
            ON m.order_item_id = i.id AND m.reason IN ('cancel', 'return') AND m.delta = i.quantity
        WHERE o.status = 'cancelled' GROUP BY o.number, i.id, i.sku HAVING COUNT(m.id) <> 1""",
    "only orders that ended gave stock back": """
        SELECT o.number, i.sku FROM orders o JOIN order_item i ON i.order_id = o.id
        JOIN stock_movement m ON m.order_item_id = i.id AND m.reason IN ('cancel', 'return')
        WHERE o.status NOT IN ('cancelled', 'returned') OR m.delta <> i.quantity""",
    "a kept answer has its order": """
        SELECT k.id FROM idempotency_key k LEFT JOIN orders o ON o.id = k.row_id
        WHERE k.path = '/orders' AND (o.id IS NULL OR k.owner <> 'user ' || CAST(o.user_id AS VARCHAR(36)))""",
    "order numbers are unique": "SELECT number FROM orders GROUP BY number HAVING COUNT(*) > 1",
    "orders move as the table of states says": """
        SELECT o.number, e.from_status, e.to_status FROM order_event e JOIN orders o ON o.id = e.order_id
        WHERE COALESCE(e.from_status, '') || '>' || e.to_status NOT IN ('>pending', 'pending>paid', 'paid>shipped',
            'shipped>delivered', 'shipped>returned', 'delivered>returned', 'pending>cancelled', 'paid>cancelled')
            OR (e.from_status IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM order_event b WHERE b.order_id = e.order_id AND b.to_status = e.from_status))
            OR 1 < (SELECT COUNT(*) FROM order_event b
                    WHERE b.order_id = e.order_id AND b.from_status = e.from_status)""",
    "the last event is the state": """
        SELECT o.number, o.status FROM orders o WHERE 1 <> (
            SELECT COUNT(*) FROM order_event e WHERE e.order_id = o.id AND NOT EXISTS (
                SELECT 1 FROM order_event n WHERE n.order_id = o.id AND n.from_status = e.to_status))
            OR NOT EXISTS (
                SELECT 1 FROM order_event e WHERE e.order_id = o.id AND e.to_status = o.status AND NOT EXISTS (
                    SELECT 1 FROM order_event n WHERE n.order_id = o.id AND n.from_status = e.to_status))""",
    "money of ended orders went back or is owed": """
        SELECT o.number FROM orders o JOIN payment p ON p.order_id = o.id WHERE o.status IN ('cancelled', 'returned')
        GROUP BY o.id, o.number HAVING
            SUM(CASE p.kind WHEN 'capture' THEN p.amount WHEN 'refund_due' THEN -p.amount ELSE 0 END) > 0""",
    "no more went back than is owed": """
        SELECT o.number FROM orders o JOIN payment p ON p.order_id = o.id GROUP BY o.id, o.number HAVING
            SUM(CASE p.kind WHEN 'refund' THEN p.amount WHEN 'refund_due' THEN -p.amount ELSE 0 END) > 0
            OR SUM(CASE p.kind WHEN 'refund_due' THEN p.amount WHEN 'capture' THEN -p.amount ELSE 0 END) > 0""",
    "categories have no circle": """
        WITH RECURSIVE reached(id) AS (
            SELECT id FROM category WHERE parent_id IS NULL
            UNION SELECT c.id FROM category c JOIN reached r ON c.parent_id = r.id)
        SELECT name FROM category WHERE id NOT IN (SELECT id FROM reached)""",
}
"""Invariant -> the statement that finds what breaks it. SQL that SQLite and PostgreSQL both take."""


def _invariant(name: str, statement: str) -> Invariant:
    def find(tx: Transaction) -> Iterable[str]:
        return [" ".join(map(str, row)) for row in tx.execute(text(statement))]

    return Invariant(name, find)


invariants = tuple(_invariant(name, statement) for name, statement in STATEMENTS.items())
